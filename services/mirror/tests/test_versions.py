"""Versions in MLflow's model registry."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import CandidateRefused

NAME = "edgeloop.default.boiler"


def told(scene, number: int = 1):
    run_id, note = scene.tracking.registered[NAME][number]
    return scene.tracking.runs[run_id], note


def test_a_version_is_one_of_its_streams_registered_model_and_of_the_run_that_made_it(either):
    either.play()
    run, note = told(either)
    assert (run["name"], run["tags"]["edgeloop.version"], run["tags"]["edgeloop.status"]) == ("campaign/1", "1", "PROMOTED")
    assert note.tags == {
        "edgeloop.version": "1",
        "edgeloop.at": "training.runs/0/4",
        "edgeloop.beat_version": "0",
        "edgeloop.dataset_digest": "d" * 64,
        "edgeloop.definition_version": "0",
        "edgeloop.digest": either.events[-1].file.digest,
        "edgeloop.key_id": "k" * 16,
        "edgeloop.model": "mirrored",
        "edgeloop.request_id": "campaign/1",
        "edgeloop.signature": "verified",
    }
    assert either.tracking.champions == {NAME: 1}


def test_a_version_that_comes_before_its_run_makes_the_run_and_brings_the_model(make_either):
    last = make_either()
    last.play()
    assert len(last.tracking.runs) == 3
    _, note_of_last = told(last)
    first = make_either()
    first.events = [first.events[-1], *first.events[:-1]]
    first.play()
    run, note = told(first)
    assert len(first.tracking.runs) == 3
    assert (run["status"], run["tags"]["edgeloop.status"]) == ("FINISHED", "PROMOTED")
    assert {name for _, name, _ in run["models"]} == {"boiler-campaign-1"}
    assert {key: value for key, value in note.tags.items() if key != "edgeloop.at"} == {
        key: value for key, value in note_of_last.tags.items() if key != "edgeloop.at"
    }


def test_an_older_version_that_comes_again_does_not_become_champion(either, make_version):
    either.events += [make_version(2), either.events[-1]]
    either.play()
    assert list(either.tracking.registered[NAME]) == [1, 2]
    assert either.tracking.champions == {NAME: 2}


def test_what_the_registry_did_not_sign_is_marked_and_no_champion(scene, make_version):
    genuine = make_version(2)
    forged = [
        replace(genuine, signed=replace(genuine.signed, signature=bytes(64))),
        replace(genuine, file=replace(genuine.file, digest="e" * 64)),
        replace(genuine, version=3),
        replace(genuine, signed=replace(genuine.signed, statement=b"[]")),
    ]
    for event in [*forged, replace(genuine, signed=replace(genuine.signed, statement=b"no JSON"))]:
        scene.tracking.registered.clear()
        scene.events = [event]
        scene.play()
        ((_, note),) = scene.tracking.registered[NAME].values()
        assert note.tags["edgeloop.signature"] == "invalid"
    assert not scene.tracking.champions


def test_without_trusted_keys_a_version_says_that_nobody_looked(scene):
    scene.trusted = []
    scene.mirror = scene.made()
    scene.play()
    assert told(scene)[1].tags["edgeloop.signature"] == "not verified"
    assert scene.tracking.champions == {NAME: 1}


def test_a_version_whose_file_is_not_kept_any_more_is_registered_and_says_so(scene):
    del scene.kept.records["model.chunks", 3]
    scene.play()
    assert told(scene)[1].tags["edgeloop.model"] == "deleted before it was mirrored"


def test_a_refused_candidate_is_passed(scene):
    scene.events = [CandidateRefused(tenant="default", stream="boiler", request_id="campaign/1")]
    scene.play()
    assert not scene.tracking.runs and not scene.tracking.registered
