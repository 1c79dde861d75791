"""Whether the first version had better answer alone."""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_mixture.rule import Rule

LONG_RUN = 20  # times as many labels as tell how the mixture does now, until the long run has forgotten
MIXTURE, SWITCHING = 0.3, 0.4  # leads by which the long run prefers these to the first version, where nothing speaks for any of them


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mixture beside the first version: now, and over the long run.

    There are three ways to answer: by the mixture, by the first version, and by switching to the first version as long as the mixture
    does worse now. What labels say now is of the past, and with late labels it may be the opposite of what is true of the rows
    that are answered: switching then does harm, or the mixture does. Which of the three it was is known once the labels are
    there, for each of them, whoever answered. The long run decides between them.

    Attributes
    ----------
    behind
        By how much the mixture's loss has been above the first version's lately: over some hundred labels, ``Rule.memory_of_losses``.
    mixture, switching
        By how much the loss of each has been below the first version's over the long run.
    """

    behind: float = 0.0
    mixture: float = 0.0
    switching: float = 0.0

    def after(self, rule: Rule, mixture: float, first: float, *, doubted: bool) -> Comparison:
        """With one more label.

        Parameters
        ----------
        mixture, first
            The losses of both that it tells.
        doubted
            Whether switching would have left that row to the first version.
        """
        share, gained = rule.memory_of_losses, first - mixture
        return Comparison(
            self.behind + share * (-gained - self.behind),
            self.mixture + share / LONG_RUN * (gained - self.mixture),
            self.switching + share / LONG_RUN * ((0.0 if doubted else gained) - self.switching),
        )

    def doubts(self, rule: Rule) -> bool:
        """Whether the mixture does worse now."""
        return self.behind > rule.lead

    def against(self, rule: Rule) -> bool:
        """Whether the first version had better answer alone."""
        mixture, switching = self.mixture + MIXTURE * rule.lead, self.switching + SWITCHING * rule.lead
        if max(mixture, switching) < 0:
            return True
        return switching >= mixture and self.doubts(rule)
