"""Whatever is done to log, state and prior, in whichever order: all who look see the fold of the log."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.known_ids import KnownIds
from dspy_agent.learning.log import Reader
from dspy_agent.learning.policy_state import STATE_NAME, Policies, open_policy
from dspy_agent.learning.prior_file import PRIOR_NAME
from dspy_agent_core.bandit.prior import Prior
from tests.learning.policy_kit import TOOLS, decision, folded, ids, outcome, told, workspace_at

NAMES = st.integers(0, 12).map(lambda number: f"d{number}")
DAMAGE = st.sampled_from(
    [b"\n", b"{}\n", b"\xff\0\n", b'{"schema_version":1,"id":"torn', b"[" * 5000 + b"\n"]
)


class PolicyMachine(RuleBasedStateMachine):
    """Two that run, one that comes anew, and files that suffer."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="policy-"))
        self.workspace = workspace_at(self.folder / "shop")
        self.log, self.state = self.workspace / LOG_NAME, self.workspace / STATE_NAME
        self.another_prior_comes(1.0)  # a small one: the states are small too
        self.running = [self.policies(), self.policies()]
        self.known = KnownIds(self.log)

    def policies(self) -> Policies:
        return open_policy(self.workspace, lambda sentence: None)

    @rule(name=NAMES, tool=st.sampled_from(TOOLS), seconds=st.integers(0, 10**6))
    def a_decision_is_told(self, name: str, tool: str, seconds: int) -> None:
        told(self.workspace, decision(name, tool, seconds=seconds))

    @rule(name=NAMES, what=st.sampled_from(["opened-1", "kept"]), reward=st.floats(-2, 2))
    def something_comes_of_one(self, name: str, what: str, reward: float) -> None:
        told(self.workspace, outcome(name, what, reward))

    @rule(data=DAMAGE)
    def a_line_is_damaged(self, data: bytes) -> None:
        with self.log.open("ab") as log:
            log.write(data)

    @rule(share=st.floats(0, 1))
    def the_log_is_cut(self, share: float) -> None:
        if self.log.exists():
            data = self.log.read_bytes()
            self.log.write_bytes(data[: int(len(data) * share)])

    @rule()
    def the_log_is_lost(self) -> None:
        self.log.unlink(missing_ok=True)

    @rule(one=st.integers(0, 1))
    def one_saves(self, one: int) -> None:
        self.running[one].save()

    @rule()
    def a_new_one_saves(self) -> None:
        self.policies().save()

    @rule(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
    def the_state_is_damaged(self, place: float, bits: int) -> None:
        if self.state.exists() and (data := bytearray(self.state.read_bytes())):
            data[int(len(data) * place)] ^= bits
            self.state.write_bytes(data)

    @rule(share=st.floats(0, 1))
    def the_state_is_cut(self, share: float) -> None:
        if self.state.exists():
            data = self.state.read_bytes()
            self.state.write_bytes(data[: int(len(data) * share)])

    @rule(strength=st.sampled_from([1.0, 5.0]))
    def another_prior_comes(self, strength: float) -> None:
        (self.workspace / PRIOR_NAME).write_bytes(Prior.flat(["f1"], ["grep"], strength).encode())

    @invariant()
    def all_see_the_fold(self) -> None:
        wanted = folded(self.workspace)
        assert self.policies().learner.encode() == wanted
        assert self.running[0].learner.encode() == wanted  # the other one looks when it saves only

    @invariant()
    def all_ids_are_known(self) -> None:
        self.known.refresh()
        found = set(ids(Reader(self.log)))
        assert all((f"d{number}" in self.known) == (f"d{number}" in found) for number in range(13))

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


PolicyMachine.TestCase.settings = settings(
    max_examples=20, deadline=None, stateful_step_count=12, suppress_health_check=[HealthCheck.too_slow]
)
TestPolicyMachine = PolicyMachine.TestCase
