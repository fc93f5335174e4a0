"""What nodes and workflows are told in Python, and what is said when it is wrong."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path

import pytest
from tests.definition.flows import complaints_of, line_of, new_flow

from indelible.definition.decorators import Input, Retry, WorkflowBuilder
from indelible.definition.model import TriggerRule
from indelible.definition.options import NODE, NodeOptions
from indelible.definition.yaml_file import load_workflow
from indelible.errors import DefinitionError


def test_everything_wrong_is_said_at_once_with_its_line() -> None:
    flow = WorkflowBuilder("etl", timeout="soon", max_parallel=-1)

    @flow.node(timeout="30 parsecs", trigger_rule="one_succes")  # type: ignore[call-overload, untyped-decorator]
    def fetch() -> None: ...

    @flow.node(depends_on=["fetsch"], retries=3)  # type: ignore[call-overload, untyped-decorator]
    def clean() -> None: ...

    flow.bash("clean", "true")
    with pytest.raises(DefinitionError) as caught:
        flow.build()
    text = str(caught.value)
    assert "`timeout` is wrong: 'soon' is not a duration" in text
    assert f"{line_of(fetch)}node fetch: `timeout` is wrong: '30 parsecs'" in text
    assert "Did you mean one_success?" in text
    assert f"{line_of(clean)}node clean: unknown option `retries`" in text
    assert 'depends on "fetsch"' in text
    assert 'the id "clean" is taken' in text
    assert {complaint.file for complaint in caught.value.complaints} == {__file__}
    assert all(complaint.line for complaint in caught.value.complaints)


def test_a_doubled_id_is_refused_where_it_was_added() -> None:
    flow = new_flow()
    flow.bash("load", "true")
    flow.bash("load", "true")
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    said = complaints_of(flow)
    assert f"{__file__}:{line}: node load: " in said


def test_an_id_is_text() -> None:
    flow = new_flow()
    flow.bash(3, "true")  # type: ignore[arg-type]
    assert "`id` must be text, not the number 3" in complaints_of(flow)


def test_a_lambda_needs_an_id() -> None:
    flow = new_flow()
    flow.node(lambda: 1)
    assert "node <lambda>: this cannot be an id" in complaints_of(flow)
    flow = new_flow()
    flow.node(id="one")(lambda: 1)
    assert flow.build().nodes[0].id == "one"


def test_templates_in_a_command_are_refused_as_in_a_file() -> None:
    flow = new_flow()
    flow.bash("load", "echo ${{ inputs.day }}")
    assert 'env: {VALUE: "${{ inputs.day }}"}' in complaints_of(flow)


def test_commands_scripts_and_options_make_the_definition_that_a_file_makes(
    tmp_path: Path,
) -> None:
    flow = WorkflowBuilder(
        "report",
        description="Every night.",
        inputs={"day": Input(required=True), "limit": Input("integer", default=100)},
        env={"LANG": "C.UTF-8"},
        max_parallel=2,
        fail_fast=True,
        timeout="2h",
        outputs={"rows": "${{ nodes.count.output }}"},
    )
    assert flow.bash("fetch", "date", env={"DAY": "${{ inputs.day }}"}, output="json") == "fetch"
    flow.script(
        "count",
        "output = rows",
        depends_on=["fetch"],
        with_={"rows": "${{ nodes.fetch.output }}"},
        when="inputs.limit > 3",
        trigger_rule="all_done",
        retry=Retry(4, delay="2s", backoff=3, max_delay=9.5, jitter=0, on=[ValueError, "Timeout"]),
        timeout=timedelta(seconds=90),
        grace=2,
        allow_failure=True,
        on_interrupt="fail",
        max_interruptions=5,
        cwd="work",
        description="Counts.",
    )
    file = tmp_path / "report.yaml"
    file.write_text(
        """
        name: report
        description: Every night.
        inputs: {day: {required: true}, limit: {type: integer, default: 100}}
        env: {LANG: C.UTF-8}
        max_parallel: 2
        fail_fast: true
        timeout: 2h
        outputs: {rows: "${{ nodes.count.output }}"}
        nodes:
          - {id: fetch, bash: date, env: {DAY: "${{ inputs.day }}"}, output: json}
          - id: count
            script: output = rows
            depends_on: [fetch]
            with: {rows: "${{ nodes.fetch.output }}"}
            when: inputs.limit > 3
            trigger_rule: all_done
            retry: {max_attempts: 4, delay: 2s, backoff: 3, max_delay: 9.5, jitter: 0,
                    on: [ValueError, Timeout]}
            timeout: 90s
            grace: 2s
            allow_failure: true
            on_interrupt: fail
            max_interruptions: 5
            cwd: work
            description: Counts.
        """
    )
    written = load_workflow(file)
    assert flow.build().nodes == written.nodes
    for field in ("name", "description", "inputs", "env", "max_parallel", "fail_fast", "timeout"):
        assert getattr(flow.build(), field) == getattr(written, field)


def test_python_can_say_every_field_of_a_node() -> None:
    assert set(NodeOptions.__annotations__) == set(NODE) - {"id"}


def test_none_is_the_same_as_leaving_an_option_out() -> None:
    flow = new_flow()
    flow.bash("a", "true", **dict.fromkeys(NodeOptions.__annotations__))
    plain = new_flow()
    plain.bash("a", "true")
    assert flow.build() == plain.build()


def test_a_workflow_without_a_name_or_nodes_is_refused_where_it_was_made() -> None:
    flow = WorkflowBuilder("")
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    said = complaints_of(flow)
    assert f"{__file__}:{line}: `name` must not be empty" in said


def test_retry_takes_what_people_write_and_refuses_the_rest_at_once() -> None:
    policy = Retry(delay="500ms", max_delay=60)
    assert (policy.delay, policy.max_delay) == (timedelta(milliseconds=500), timedelta(minutes=1))
    assert policy.max_attempts == 3
    waits = Retry(delay=timedelta(seconds=2), max_delay=timedelta(hours=1))
    assert (waits.delay, waits.max_delay) == (timedelta(seconds=2), timedelta(hours=1))
    with pytest.raises(DefinitionError) as caught:
        Retry("3", delay="later")  # type: ignore[arg-type]
    first, second = (str(complaint) for complaint in caught.value.complaints)
    assert first.startswith(f"{__file__}:")
    assert '`max_attempts` must be a whole number, not the text "3"' in first
    assert "`delay` is wrong: 'later' is not a duration" in second


def test_a_timedelta_is_a_duration_and_nothing_else() -> None:
    with pytest.raises(DefinitionError, match="`backoff` must be a number, not timedelta"):
        Retry(backoff=timedelta(seconds=2))  # type: ignore[arg-type]


def test_retry_on_is_a_list() -> None:
    with pytest.raises(DefinitionError, match="`on` must be a list, not the text"):
        Retry(on="Timeout")
    with pytest.raises(DefinitionError, match="`on` must be a list, not type"):
        Retry(on=ValueError)  # type: ignore[arg-type]


def test_a_policy_that_makes_no_sense_is_refused_by_build() -> None:
    flow = new_flow()
    flow.bash("load", "true", retry=Retry(0))
    assert "`max_attempts` must be 1 or more" in complaints_of(flow)


def test_an_input_knows_a_default_of_none_from_none_at_all() -> None:
    assert Input("any", default=None).has_default
    assert not Input("any").has_default
    with pytest.raises(DefinitionError, match="Did you mean integer"):
        Input("interger")  # type: ignore[arg-type]


def test_trigger_rules_can_be_members_or_names() -> None:
    flow = new_flow()
    flow.bash("a", "true", trigger_rule=TriggerRule.ONE_DONE)
    flow.bash("b", "true", trigger_rule="one_done")
    assert [node.trigger_rule for node in flow.build().nodes] == [TriggerRule.ONE_DONE] * 2


def test_an_input_that_is_no_declaration_is_refused() -> None:
    flow = WorkflowBuilder("etl", inputs={"day": str})  # type: ignore[dict-item]
    flow.bash("a", "true")
    assert "`inputs.day` must be a mapping, not type" in complaints_of(flow)
