"""Every case of the field (public bug reports, device makers' documents) and the tests that hold its right outcome.

A case's source, input and outcome stand in the field cases that this list is of; here is where each is tried.
"""

from __future__ import annotations

import ast
import tomllib
from functools import cache

import pytest
from folders import ROOT, TESTS
from packaging.specifiers import SpecifierSet

CASES: dict[str, tuple[str, ...]] = {
    "D02-sensit3-magnet-light": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D04-unabiz-structured": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D05-oyster-gps": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D07-mkrfox-kg": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D09-locationfix-negative": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D10-format-shorter-than-payload": (
        "system/test_field_cases_decode::test_a_published_payload_by_a_published_format",
    ),
    "D11-adeunis-temp": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D12-sentinel-no-value": ("system/test_app_reads::test_the_app_reads_last_range_and_push_alike",),
    "D13-adeunis-ftd-bits": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D14-xirgo-five-frames": (
        "system/test_field_cases_decode::test_a_published_payload_by_a_published_format",
        "system/test_field_cases_sent::test_d14_five_frames_of_one_second_are_five_statuses",
    ),
    "D15-pycom-float": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D16-battery-current": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D17-float16-published": (
        "system/test_field_cases_decode::test_format_check_refuses_a_float_of_16_bits_and_names_half",
    ),
    "D18-lines-and-8-bit-endian": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D19-gps-without-fix-nan": ("system/test_field_cases_decode::test_a_published_payload_by_a_published_format",),
    "D20-thirteen-byte-format": (
        "system/test_field_cases_decode::test_a_published_payload_by_a_published_format",
        "system/test_field_cases_decode::test_format_check_warns_of_what_no_message_holds",
    ),
    "H01-hex-seqnumber": ("system/test_field_cases_sent::test_h01_h23_h24_a_refusal_says_what_to_do_and_is_kept_once",),
    "H02-unreplaced-customdata": ("system/test_app_reads::test_the_app_reads_last_range_and_push_alike",),
    "H03-no-time": ("system/test_field_cases_sent::test_h03_without_a_time_it_is_refused_and_kept_once_however_often",),
    "H04-secret-in-url-kept": (
        "api/v1/test_rejections::test_h04_a_secret_in_the_url_is_shown_by_its_name_only",
        "system/test_canaries::test_no_secret_is_kept_logged_answered_or_printed",
    ),
    "H05-unabiz-flattened": ("system/test_field_cases_sent::test_h05_a_forwarders_two_times_are_one_message",),
    "H06-capital-names": ("system/test_field_cases_sent::test_h06_names_in_another_case_are_named",),
    "H07-nested-body": (
        "system/test_field_cases_sent::test_h07_a_nested_body_is_refused_with_what_was_found",
        "system/test_field_cases_sent::test_h07_a_nested_body_is_read_by_the_names_of_its_route",
    ),
    "H08-device-in-path": (
        "system/test_field_cases_sent::test_h08_a_path_that_nobody_serves_is_kept_for_a_good_key_alone",
        "system/test_field_cases_sent::test_h08_the_device_may_stand_in_the_path",
    ),
    "H09-location-geojson": ("system/test_app_reads::test_the_app_reads_last_range_and_push_alike",),
    "H10-advanced-alone": (
        "system/test_chain::test_h10_e05_data_advanced_alone_is_pushed_once_and_of_a_list_the_last_status",
    ),
    "H11-seq-alias": (
        "system/test_field_cases_sent::test_h11_h12_h18_the_count_is_counted_and_words_of_the_template_are_no_values",
    ),
    "H12-messageid": (
        "system/test_field_cases_sent::test_h11_h12_h18_the_count_is_counted_and_words_of_the_template_are_no_values",
    ),
    "H14-ubidots-value-objects": ("system/test_app_reads::test_the_app_reads_last_range_and_push_alike",),
    "H17-ack-after-no-ack": (
        "system/test_field_cases_sent::test_h17_a_frame_that_asks_the_second_time_is_offered_its_downlink_once",
    ),
    "H18-avgsignal-is-radio": (
        "system/test_field_cases_sent::test_h11_h12_h18_the_count_is_counted_and_words_of_the_template_are_no_values",
    ),
    "H19-http10-no-host": ("system/test_field_cases_sent::test_h19_http_1_0_without_a_host",),
    "H20-omnyvore-batches": (
        "system/test_field_cases_sent::test_h20_long_lines_with_a_question",
        "system/test_field_cases_sent::test_h20_lines_of_another_pattern_are_refused_and_store_nothing_shifted",
    ),
    "H21-basic-auth": ("system/test_field_cases_sent::test_h21_the_key_as_the_password_of_basic",),
    "H22-glued-customdata": ("system/test_app_reads::test_the_app_reads_last_range_and_push_alike",),
    "H23-nan-literal": ("system/test_field_cases_sent::test_h01_h23_h24_a_refusal_says_what_to_do_and_is_kept_once",),
    "H24-data-oob": ("system/test_field_cases_sent::test_h01_h23_h24_a_refusal_says_what_to_do_and_is_kept_once",),
    "A01-empty-page-with-next": (
        "sigfox_api/backfill/test_runner::test_a01_a_page_without_entries_is_not_the_last_one_while_it_names_a_next",
        "sigfox_api/backfill/test_runner::test_a01_a_next_that_never_ends_stops_with_a_sentence",
    ),
    "A02-next-drops-since": (
        "sigfox_api/backfill/test_runner::test_a02_a_next_without_since_is_followed_no_further_than_since",
    ),
    "A03-quoted-rinfos-600": ("cli/test_backfill::test_a03_numbers_as_texts_and_a_message_that_was_called_back",),
    "A04-one-request-a-second": (
        "sigfox_api/backfill/test_runner::test_a04_a_limit_of_one_request_a_second_costs_time_and_no_device",
        "sigfox_api/test_pace::test_a04_three_hundred_devices_against_one_request_a_second",
    ),
    "F01-502-html": ("system/test_push_field_cases::test_an_answer_of_the_field_is_understood",),
    "F02-200-not-fcm": ("system/test_push_field_cases::test_an_answer_of_the_field_is_understood",),
    "F03-404-without-unregistered": ("system/test_push_field_cases::test_an_answer_of_the_field_is_understood",),
    "F04-400-token-by-words": ("system/test_push_field_cases::test_an_answer_of_the_field_is_understood",),
    "F05-400-not-the-token": ("system/test_push_field_cases::test_an_answer_of_the_field_is_understood",),
    "F06-unregistered-but-alive": (
        "system/test_push_field_cases::test_what_fcm_took_for_gone_goes_on_when_it_registers_again",
    ),
    "F07-mass-unregistered": (
        "system/test_push_field_cases::test_many_phones_that_are_gone_at_once_alarm_and_come_back",
        "alarms/test_phone_alarms::test_thousands_of_phones_that_go_at_once_alarm_with_how_they_come_back",
    ),
    "F08-invalid-grant-clock": (
        "system/test_push_field_cases::test_a_clock_that_google_refuses_pauses_until_it_is_right",
    ),
    "F09-500-lost": ("system/test_push_field_cases::test_an_answer_of_the_field_is_understood",),
    "S01-full-but-not-the-disk": (
        "store/sqlite/test_connection::test_writing_needs_no_temporary_file_so_that_their_folder_may_be_full",
    ),
    "S02-start-with-a-huge-log": ("daemon/test_systemd::test_a_long_log_is_recovered_at_the_start_and_cut",),
    "S03-start-longer-than-90-s": (
        "daemon/test_startup_progress::test_a_start_that_takes_long_asks_systemd_for_time_and_is_begun_anew_when_it_is_killed",
    ),
    "S04-watchdog-under-pressure": (
        "daemon/test_previous_exit::test_what_the_watchdog_ends_is_reported_at_the_next_start_and_loses_nothing",
    ),
    "S05-websocket-close": ("net/server/test_guarded_connection::test_a_fault_is_refused_and_the_server_lives",),
    "S06-python-3.14": (
        "system/test_field_cases::test_s06_a_python_that_evd_was_not_tried_on_is_refused_before_anything_is_built",
    ),
    "E01-soc-zero-glitch": (
        "events/test_rules::test_a_reading_that_jumps_out_and_back_is_no_event",
        "system/test_events::test_what_the_next_reading_takes_back_is_no_event",
    ),
    "E03-null-state": (
        "events/test_rules::test_a_reading_that_jumps_out_and_back_is_no_event",
        "system/test_events::test_what_the_next_reading_takes_back_is_no_event",
    ),
    "E04-session-ends-at-zero": ("events/test_rules::test_a_charge_that_ended_is_reported_with_what_it_had_reached",),
    "E05-bulk-and-gzip": (
        "system/test_field_cases_posted::test_e05_a_list_of_statuses_is_taken_one_by_one_and_answered_so",
        "system/test_field_cases_posted::test_e05_what_is_zipped_is_unzipped_within_the_bound_of_a_body",
    ),
    "E06-old-values-new-message": (
        "system/test_field_cases_posted::test_e06_values_of_a_day_ago_take_their_place_and_are_not_the_last",
    ),
    "E07-flapping-charge": (
        "events/test_rules::test_a_reading_that_jumps_out_and_back_is_no_event",
        "system/test_events::test_what_the_next_reading_takes_back_is_no_event",
    ),
    "E08-zero-at-first-sight": (
        "events/test_rules::test_a_reading_that_jumps_out_and_back_is_no_event",
        "system/test_events::test_what_the_next_reading_takes_back_is_no_event",
    ),
}


@cache
def tests_of(module: str) -> set[str]:
    tree = ast.parse((TESTS / f"{module}.py").read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_field_is_tried(case: str) -> None:
    for test in CASES[case]:
        module, _, name = test.partition("::")
        assert name in tests_of(module), f"{test} is gone: {case} must be tried elsewhere"


def test_s06_a_python_that_evd_was_not_tried_on_is_refused_before_anything_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pythons = SpecifierSet(project["requires-python"])
    assert [minor for minor in range(8, 20) if f"3.{minor}.0" in pythons] == [11, 12, 13]
    assert "(3.11 – 3.13)" in (ROOT / "README.md").read_text("utf-8")
