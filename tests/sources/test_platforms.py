"""The table of platforms in the documentation: a row a kind, and a test for each cell that says what a kind does."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from kbgen.sources import KINDS, source_class, source_kinds
from kbgen.sources.live import LiveSource

ROOT = Path(__file__).parent.parent.parent
COLUMNS = ("Platform", "How", "Key", "Solved", "New and changed", "Withdrawn", "Images", "Limits")
RULES = "it_keeps_the_rules_of_live_sources"
PLAIN = "markup:a_post_is_made_plain"
BBCODE = "bbcode:bbcode_is_what_readers_saw"

# Kind to what proves its row: solved, new and changed, withdrawn, images, limits; "file:test" without their test_.
# Sources of files share what a harvest does with a file that changed or a record that is gone.
FILE = ("conformance:the_fingerprint_follows_the_input", "/harvest:what_a_complete_pass_no_longer_finds_is_withdrawn")
PROOFS: dict[str, tuple[str, str, str, str, str]] = {
    "discourse": (
        "discourse:every_shape_of_an_accepted_answer_is_read",
        "discourse_live:what_a_list_shows_is_seen_by_the_next_pass",
        "discourse_live:what_nobody_may_read_is_withdrawn",
        "discourse_html:what_only_discourse_shows_becomes_plain",
        "http_client:a_busy_host_is_asked_again_when_it_says",
    ),
    "stackexchange": (
        "stackexchange_api:a_question_becomes_a_thread",
        "stackexchange_api:a_second_pass_reads_what_was_active",
        "stackexchange_api:what_bumps_nothing_is_seen_by_a_full_pass",
        "stackexchange:rows_become_a_thread",
        "stackexchange_api:backoff_is_waited_out_and_an_empty_quota_ends_the_pass",
    ),
    "github-discussions": (
        "github_discussions:a_discussion_becomes_a_thread",
        "github_discussions:an_answer_that_moved_is_seen_by_the_next_pass",
        "github_discussions:what_is_no_longer_there_is_withdrawn",
        "github_html:what_only_github_shows_becomes_plain",
        "github_discussions:points_are_not_overdrawn",
    ),
    "askbot": (
        "askbot:a_thread_is_read_whole",
        "askbot:a_pass_over_changes_fetches_what_moved",
        "askbot:a_deleted_question_is_withdrawn",
        PLAIN,
        "askbot:the_forums_limit_is_waited_for",
    ),
    "nodebb": (
        "nodebb:a_thread_is_read_whole",
        "nodebb:a_pass_over_changes_fetches_what_moved",
        "nodebb:a_topic_that_is_gone_is_withdrawn",
        PLAIN,
        "nodebb:shedding_of_load_is_waited_for",
    ),
    "flarum": (
        "flarum:a_thread_is_read_whole",
        "flarum:a_pass_over_changes_fetches_what_moved",
        "flarum:a_discussion_that_is_gone_is_withdrawn",
        PLAIN,
        "",
    ),
    "zendesk": (
        "zendesk:several_comments_can_be_official",
        "zendesk:a_pass_over_changes_asks_for_the_incremental_export",
        "zendesk:an_article_that_became_internal_is_withdrawn_at_once",
        PLAIN,
        "http_client:a_busy_host_is_asked_again_when_it_says",
    ),
    "forem": (
        "forem:thanks_are_a_sign_with_little_confidence",
        "forem:a_second_pass_reads_the_lists_only",
        "forem:what_is_gone_is_withdrawn",
        PLAIN,
        "forem:too_many_requests_are_waited_for",
    ),
    "khoros": (
        "khoros:several_solutions_and_a_solution_in_a_comment",
        f"khoros:{RULES}",
        f"khoros:{RULES}",
        "khoros:elements_of_the_platform_become_plain_html",
        "khoros:a_refusal_is_named",
    ),
    "kitsune": ("kitsune:a_question_is_read", f"kitsune:{RULES}", f"kitsune:{RULES}", PLAIN, ""),
    "publicinbox": (
        "publicinbox:a_thread_is_read",
        "publicinbox:a_gap_in_the_feed_means_the_list",
        f"publicinbox:{RULES}",
        "mbox:attachments_are_not_stored",
        "",
    ),
    "salesforce": (
        "salesforce:a_question_is_read",
        f"salesforce:{RULES}",
        f"salesforce:{RULES}",
        PLAIN,
        "salesforce:a_refusal_is_named",
    ),
    "web": (
        "web:a_discussion_is_settled_by_a_configured_mark",
        "web:a_second_pass_asks_for_what_changed",
        "web:a_page_that_becomes_private_is_withdrawn",
        "web_body:what_signs_an_address_is_left_out",
        "http_client:robots_txt_is_honoured_for_pages",
    ),
    "phpbb": ("sql_forums:a_title_that_says_solved_counts_when_asked_for", *FILE, BBCODE, ""),
    "mybb": ("sql_forums:a_thread_of_mybb_is_solved_by_its_prefix", *FILE, BBCODE, ""),
    "vbulletin": ("sql_forums:a_thread_of_vbulletin_arrives_whole", *FILE, BBCODE, ""),
    "slack": ("slack:a_reaction_on_a_reply", *FILE, "slack:nothing_personal_or_secret_is_stored", ""),
    "discord": (
        "discord:a_reaction_on_a_reply",
        *FILE,
        "discord:no_signed_address_or_picture_is_stored",
        "archives:a_huge_member_is_an_error_and_not_read",
    ),
    "mbox": (
        "mbox:the_askers_own_solution_counts",
        *FILE,
        "mbox:attachments_are_not_stored",
        "mbox:a_message_over_the_limit_is_named",
    ),
    "articles": (
        "articles:front_matter_arrives_in_its_place",
        *FILE,
        "articles:pictures_of_the_folder_become_their_descriptions",
        "",
    ),
    "jsonl": ("jsonl:why_an_answer_counts_comes_back", *FILE, "jsonl:a_full_line_keeps_everything", ""),
}


@cache
def table() -> dict[str, dict[str, str]]:
    """Kind to its cells by column."""
    text = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    part = re.search(r"^## Platforms\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert part is not None
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part[1].splitlines() if line.startswith("|")
    ]
    assert tuple(lines[0]) == COLUMNS
    rows = [dict(zip(COLUMNS, line, strict=True)) for line in lines[2:]]
    kinds = [re.fullmatch(r"\[`([\w-]+)`\]\(#\1\)", row["Platform"]) for row in rows]
    found = {kind[1]: row for kind, row in zip(kinds, rows, strict=True) if kind is not None}
    assert len(found) == len(rows)
    return found


@cache
def proved_in(name: str) -> frozenset[str]:
    """Names of the tests of a file beside this one, or with a slash of the folder above."""
    file = ROOT / "tests" / ("" if name.startswith("/") else "sources") / f"test_{name.lstrip('/')}.py"
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_kind_has_a_row_and_its_proofs() -> None:
    """A new connector comes with both."""
    assert set(KINDS) == set(table()) == set(PROOFS)


@pytest.mark.parametrize("kind", sorted(PROOFS))
def test_what_a_row_says_is_tested(kind: str) -> None:
    """Each proof is a test that is there; what has no limit of its own needs none."""
    row = table()[kind]
    assert all(row.values())
    proofs = [proof for proof in PROOFS[kind] if proof]
    missing = [
        proof for proof in proofs for file, _, test in [proof.partition(":")] if f"test_{test}" not in proved_in(file)
    ]
    assert missing == []
    assert (row["Limits"] == "none") == (PROOFS[kind][-1] == "")


@pytest.mark.parametrize("kind", sorted(PROOFS))
def test_a_row_agrees_with_the_connector(kind: str) -> None:
    """How it is read, and which keys it takes, is what its options are."""
    row, fields = table()[kind], source_kinds()[kind].model_fields
    asked = re.search(r"API|sitemap|feed", row["How"]) is not None
    assert issubclass(source_class(kind), LiveSource) == asked
    keys = re.findall(r"`(\w+)`", row["Key"])
    assert [key for key in keys if key not in fields] == []
    secret = [key for key in fields if re.search(r"(?:key|token|secret|password|cookie)$", key)]
    assert [key for key in secret if key not in keys and key != "api_username"] == []
    assert ("none" in row["Key"]) == (not any(fields[key].is_required() for key in secret))
