"""Comparison of the mixture with the first version alone."""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_mixture.rule import Rule

LONG_RUN = 20  # memory of the long run, as a multiple of the memory of the recent losses
MIXTURE, SWITCHING = 0.3, 0.4  # leads of these over the first version, where nothing is known of any


@dataclass(frozen=True, slots=True)
class Comparison:
    """Losses of the mixture relative to the first version, recent and over the long run.

    There are three ways to answer: with the mixture, with the first version, and with the first version only while the mixture does
    worse (switching). Labels tell of the past. With late labels, they may say the opposite of what holds for the rows answered now, and
    then switching or the mixture does harm. Once labels are there, the loss of each way is known, whichever answered. The long run
    decides between the three.

    Attributes
    ----------
    behind
        Recent excess of the mixture's loss over the first version's, over some hundred labels (``Rule.memory_of_losses``).
    mixture, switching
        Excess of the first version's loss over each one's, over the long run.
    """

    behind: float = 0.0
    mixture: float = 0.0
    switching: float = 0.0

    def after(self, rule: Rule, mixture: float, first: float, *, doubted: bool) -> Comparison:
        """The comparison after one more label.

        Parameters
        ----------
        mixture, first
            Losses of both at this label.
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
        """Whether the mixture has done worse recently."""
        return self.behind > rule.lead

    def against(self, rule: Rule) -> bool:
        """Comparison of the mixture with the first version alone."""
        mixture, switching = self.mixture + MIXTURE * rule.lead, self.switching + SWITCHING * rule.lead
        if max(mixture, switching) < 0:
            return True
        return switching >= mixture and self.doubts(rule)
