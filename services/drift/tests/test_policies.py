"""Changes of detection by a policy."""

import pytest
from edgeloop_contracts import DetectionPolicy, Policy
from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.policies import apply_policy
from edgeloop_drift.core.pooled_detectors import Rules


def test_what_a_policy_does_not_give_stays_as_set() -> None:
    settings = Rules(errors=DetectorSpec("ADWIN", {"delta": 0.01}), learning=7)
    assert apply_policy(settings, Policy(tenant="default", stream="")) == settings
    both = apply_policy(
        settings,
        Policy(
            tenant="default",
            stream="",
            detection=DetectionPolicy(detector="DDM", parameters={"warm_start": "50"}, scopes=("version", "stream")),
        ),
    )
    assert both == Rules(errors=DetectorSpec("DDM", {"warm_start": 50}), scopes=("version", "stream"), learning=7)
    assert apply_policy(settings, Policy(tenant="default", stream="", detection=DetectionPolicy(detector="ADWIN"))).errors == DetectorSpec()
    assert apply_policy(
        settings, Policy(tenant="default", stream="", detection=DetectionPolicy(parameters={"clock": "8"}))
    ).errors == DetectorSpec("ADWIN", {"clock": 8})


@pytest.mark.parametrize(
    "given",
    [
        DetectionPolicy(detector="Adwin"),
        DetectionPolicy(parameters={"delta": "much"}),
        DetectionPolicy(parameters={"epsilon": "1"}),
        DetectionPolicy(detector="KSWIN", parameters={"window_size": "50"}),
        DetectionPolicy(detector="KSWIN", parameters={"window_size": "1000", "stat_size": "600"}),
        DetectionPolicy(scopes=("device",)),
        DetectionPolicy(scopes=()),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(given: DetectionPolicy) -> None:
    with pytest.raises(ValueError, match=r"ADWIN|JSON|epsilon|KSWIN does not work|scopes"):
        apply_policy(Rules(), Policy(tenant="default", stream="", detection=given))
