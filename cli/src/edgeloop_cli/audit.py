"""Independent count of lost and duplicated records of a run."""

from __future__ import annotations

from collections.abc import Mapping

from edgeloop_contracts import topics
from edgeloop_kafka import KafkaSettings
from edgeloop_readers.audit import committed_records
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.report import Counts

from edgeloop_cli.core.audit_counts import Tally, counts


def count_again(settings: KafkaSettings, starts: Mapping[tuple[str, int], int], key: str, ledger: Ledger) -> Counts:
    """Fate of the rows and labels of one run.

    Parameters
    ----------
    starts
        Where the topics ended when the run began.
    key
        ``tenant/stream``.
    """
    observed = Tally(ledger.rows)
    joined = Tally(name for name, row in ledger.rows.items() if row in ledger.label_times)
    dead = 0
    prefix = settings.topic_prefix
    observations, examples = prefix + topics.OBSERVATIONS.name, prefix + topics.EXAMPLES.name
    names = [topics.OBSERVATIONS.name, topics.EXAMPLES.name, *(topics.dead_letters(service).name for service in topics.STATE_KINDS)]
    for record in committed_records(settings, names, starts, f"{key}/"):
        fields = record.fields
        if record.topic == observations:
            observed.add(fields["device_id"], fields["boot_epoch"], range(fields["first_seq"], fields["first_seq"] + fields["count"]))
        elif record.topic == examples:
            if not fields["corrects"]:
                joined.add(fields["device_id"], fields["boot_epoch"], fields["seqs"])
        else:
            dead += 1
    return counts(observed, joined, len(ledger.rows) + ledger.labelled, dead)
