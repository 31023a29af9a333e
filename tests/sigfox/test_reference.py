"""What Sigfox's documentation says of callbacks, row by row, and the test of what evd does.

A row about Sigfox alone stands with the reason why a receiver has nothing to test.
"""

from __future__ import annotations

import ast
import functools
from typing import NamedTuple

import pytest
from folders import TESTS


class Nothing(NamedTuple):
    """Why a receiver has nothing to test."""

    because: str


RECORDED = "system/test_recorded::test_what_it_says_is_on_disk_once_by_whatever_route_and_however_often_it_comes"
BATCHES = "system/test_recorded::test_a_batchs_good_lines_are_on_disk_and_the_bad_ones_kept_with_their_reasons"
DELIVERY = "system/test_sigfox_delivery"

#: Row of the reference -> its tests, as module::function.
REFERENCE: dict[str, tuple[str, ...] | Nothing] = {
    "B1 type/subtype numbers": (
        "sigfox/test_kind_recognition::test_a_kind_is_recognised_by_its_variables",
        "sigfox/kinds/test_registry::test_a_kind_has_the_numbers_of_sigfoxs_api",
    ),
    "B1 EVENT is configured at group, device type or device": (
        "sigfox/kinds/test_event::test_an_event_concerns_a_vehicle_only_where_its_source_is_one",
    ),
    "B1 channels URL and BATCH_URL": (RECORDED, BATCHES),
    "B1 channel EMAIL and vendor connectors": Nothing("they do not come to an HTTP endpoint"),
    "B1 DATA/UPLINK": (RECORDED, "ingest/test_service::test_sigfoxs_plain_variables"),
    "B1 customData#": ("ingest/test_service::test_the_originals_callback_field_by_field",),
    "B1 DATA/BIDIR: ack, longPolling": (
        RECORDED,
        "sigfox/test_message::test_a_message_asks_for_a_downlink_where_ack_is_true",
    ),
    "B1 SERVICE/STATUS: out-of-band frame": (
        RECORDED,
        "sigfox/kinds/test_status::test_a_status_is_a_note_the_modems_state_and_a_frame",
        "store/contract/test_days::test_a_status_frame_is_no_gap_and_no_status",
    ),
    "B1 SERVICE/DATA_ADVANCED: 25 s after the first frame": (
        f"{DELIVERY}::test_data_advanced_before_or_after_its_message_is_the_same",
    ),
    "B1 SERVICE/DATA_ADVANCED: its variables": (
        RECORDED,
        "sigfox/test_radio_metadata::test_what_cannot_be_read_of_the_radio_is_left_out",
        "sigfox/test_radio_metadata::test_of_many_stations_so_many_are_kept",
    ),
    "B1 SERVICE/ACKNOWLEDGE: downlink fate": (
        RECORDED,
        "sigfox/kinds/test_acknowledge::test_an_acknowledge_closes_a_downlink_and_is_noted",
    ),
    "B1 SERVICE/REPEATER": (RECORDED,),
    "B1 SERVICE/GEOLOC: deprecated, cannot be created": (
        RECORDED,
        "sigfox/test_callback_form::test_what_sigfoxs_api_cannot_create_is_left_to_be_typed_in",
    ),
    "B1 ERROR: severity ERROR or WARN": (RECORDED,),
    "B1 EVENT: its variables": (RECORDED,),
    "B1 null without NETWORK METADATA, without ATLAS": (
        RECORDED,
        "sigfox/test_message::test_null_is_no_value_quoted_or_not",
    ),
    "B1 infoCode 0..8": (
        "sigfox/kinds/test_acknowledge::test_every_info_code_is_named_in_its_note",
        "store/contract/test_downlinks::test_an_info_code_closes_the_downlink_or_leaves_it",
    ),
    "B1 removed or deprecated variables": (
        "ingest/test_service_sigfox::test_legacy_variables_are_kept_and_identify_nothing",
    ),
    "B1 each station caused its own callback, 10-20 per message": (
        f"{DELIVERY}::test_copies_of_twenty_stations_are_one_message",
    ),
    "B2 time: seconds in callbacks, ms in the REST API": (
        "ingest/test_service::test_a_sigfox_message_is_the_same_in_seconds_and_in_the_milliseconds_of_its_rest_api",
        "model/test_status::test_times_are_seconds_or_milliseconds_by_their_size",
    ),
    "B2 device: hex, not padded, case not promised": (
        "model/test_status::test_law_case_and_leading_zeros_name_the_same_vehicle",
        RECORDED,
    ),
    "B2 deviceTypeId: 24 hex digits": (
        "sigfox/test_message::test_a_device_type_is_kept_in_small_letters",
        "ingest/test_service_sigfox::test_a_device_type_s_format_decodes_its_devices",
    ),
    "B2 data: 0..24 digits, 0 bytes and single bits are legal": (
        "ingest/test_service::test_every_length_of_payload_up_to_twelve_bytes_is_taken",
        RECORDED,
    ),
    "B2 seqNumber: 0..4095, back to 0": (
        "model/test_frame_counter::test_a_gap_is_what_the_network_lets_pass_and_a_restart_beyond",
        f"{DELIVERY}::test_after_4095_comes_0_and_the_newer_one_is_last",
    ),
    "B2 seqNumber may be absent": (
        "store/contract/test_days::test_what_sigfox_did_not_number_is_not_counted",
        RECORDED,
    ),
    "B2 seqNumber counts STATUS frames too, re-flashing restarts it": (
        "store/contract/test_days::test_the_days_hang_on_the_frames_and_not_on_their_order_repeats_groups_or_restarts",
        "store/contract/test_days::test_a_status_frame_is_no_gap_and_no_status",
    ),
    "B2 Sigfox's own check: max(300*days, contract*(days+2))": (
        "model/test_frame_counter::test_a_gap_is_what_the_network_lets_pass_and_a_restart_beyond",
    ),
    "B2 quoted or bare, and null": (
        "ingest/test_service_sigfox::test_the_same_message_is_the_same_in_every_shape",
        "sigfox/test_network_reports::test_law_a_report_is_the_same_in_every_shape",
    ),
    "B2 limits: 140 uplinks a day of 12 bytes, 4 downlinks of 8 bytes": (
        "store/contract/test_days::test_a_day_has_the_share_received_and_what_is_used_of_the_budget",
        "sigfox/test_downlinks::test_other_hex_is_refused_with_a_sentence",
        "sigfox/test_message::test_what_cannot_be_read_is_refused_with_a_sentence",
    ),
    "B3 GET, POST or PUT": (f"{DELIVERY}::test_a_message_is_the_same_by_every_method_and_content_type",),
    "B3 variables in the path": ("system/test_field_cases_sent::test_h08_the_device_may_stand_in_the_path",),
    "B3 variables in header values": Nothing("a key is all that evd looks for there; the body has the others"),
    "B3 content types": (f"{DELIVERY}::test_a_message_is_the_same_by_every_method_and_content_type",),
    "B3 a form's query variables are appended to the body": (
        f"{DELIVERY}::test_a_forms_variables_may_come_in_its_url_but_never_the_key",
        "ingest/test_service_sigfox::test_a_form_may_show_its_key_which_is_never_kept",
    ),
    "B3 custom headers: Authorization, or user:password as Basic": (
        f"{DELIVERY}::test_the_key_may_stand_in_each_header",
    ),
    "B3 TLS: self-signed refused, a CA's chain needed": (
        "sigfox_api/diagnose/test_probe::test_a_certificate_that_sigfox_would_refuse_ends_the_walk",
    ),
    "B3 SNI is off unless ticked": (
        "sigfox_api/diagnose/test_probe::test_a_server_that_chooses_by_sni_is_found_out",
        "sigfox/test_callback_form::test_there_is_one_data_callback_and_sni_is_always_on",
    ),
    "B3 source addresses 185.110.96.0/22, may change": Nothing("a rule for a firewall: evd lets the key decide"),
    "B3 status 600, dead, alert e-mail": Nothing("it is how Sigfox's own pages show what did not reach evd"),
    "B4 answer within 10 s with 2xx": (
        RECORDED,
        BATCHES,
        "store/test_writer::test_who_waits_too_long_is_refused_and_the_operation_is_written_still",
    ),
    "B4 at most 4 deliveries": (
        f"{DELIVERY}::test_four_deliveries_are_answered_alike_though_the_first_answer_is_lost",
        "system/test_chain::test_sigfoxs_four_deliveries_make_one_status_and_one_push",
    ),
    "B4 any non-2xx counts, 4xx included": (
        f"{DELIVERY}::test_a_refused_callback_is_kept_once_with_the_number_of_its_deliveries",
        "ingest/test_service::test_a_vehicle_heard_for_the_first_time_is_created",
        "system/test_overload::test_above_a_full_queue_503_comes_at_once_and_what_was_accepted_is_answered",
    ),
    "B4 older texts: one retry after one minute": (RECORDED,),
    "B4 callbacks-not-delivered": (
        "sigfox_api/test_client::test_every_listing_of_the_documentation_can_be_read",
        "sigfox_api/test_client::test_429_is_waited_out_as_long_as_it_asks",
        "sigfox_api/backfill/test_mapping::test_a_callback_to_evd_is_taken_as_sigfox_had_written_it",
    ),
    "B4 duplicates: same device, time, seqNumber, data": (
        "ingest/test_service::test_a_redelivery_in_whatever_shape_is_answered_alike_and_changes_nothing",
        "store/contract/test_rings::test_equal_time_and_number_with_another_payload_are_two_statuses_by_arrival",
    ),
    "B4 order: B can pass A by minutes": (
        f"{DELIVERY}::test_a_message_that_was_passed_takes_its_place_and_is_not_the_last",
        "ingest/test_any_order::test_random_order_repeats_kinds_and_shapes_end_as_once_and_in_order",
    ),
    "B4 order: DATA_ADVANCED trails its DATA": (
        f"{DELIVERY}::test_data_advanced_before_or_after_its_message_is_the_same",
    ),
    "B4 slow endpoints": Nothing("no penalty is documented"),
    "B5 one request a second, a message a line, {batch} where the user puts it": (BATCHES,),
    "B5 copies of one message in different batches": (f"{DELIVERY}::test_a_message_in_two_batches_is_one",),
    "B5 a rendered batch: var=2DC7C1%3B1500452712%3Bdeadbeaf%3B": (BATCHES,),
    "B5 line separator and maximum lines": (
        "ingest/test_service_sigfox::test_a_batch_is_a_message_a_line",
        "ingest/test_service_sigfox::test_a_batch_of_ten_thousand_lines_is_one_transaction",
    ),
    "B5 a failed batch is retried whole": (
        BATCHES,
        "ingest/test_service_sigfox::test_a_bad_line_costs_no_other_one_and_is_kept",
    ),
    "B5 a batch of another kind's callback": (f"{DELIVERY}::test_a_line_of_a_batch_is_of_the_kind_its_values_tell",),
    "B5 BIDIR by batch: every asking device": (f"{DELIVERY}::test_a_batch_is_answered_for_every_device_that_asks",),
    "B6 200 with JSON, 204 or noData": (
        f"{DELIVERY}::test_who_asks_gets_eight_bytes_once_and_204_after_them",
        f"{DELIVERY}::test_a_batch_is_answered_for_every_device_that_asks",
    ),
    "B6 entries for devices that did not ask are ignored": (
        f"{DELIVERY}::test_a_batch_is_answered_for_every_device_that_asks",
    ),
    "B6 CALLBACK mode and exactly one BIDIR callback": (
        "sigfox/test_callback_form::test_there_is_one_data_callback_and_sni_is_always_on",
    ),
    "B6 a retry cannot serve the downlink": (
        f"{DELIVERY}::test_an_answer_that_came_too_late_fails_by_its_acknowledge",
    ),
    "B6 ACKNOWLEDGE has no seqNumber: join on device and nearest time": (
        f"{DELIVERY}::test_acknowledges_out_of_order_close_the_downlink_of_their_time",
    ),
    "B7 scale figures": Nothing("numbers to size by; `make bench-guard` measures evd"),
}


@functools.cache
def functions(module: str) -> frozenset[str]:
    tree = ast.parse((TESTS / f"{module}.py").read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", REFERENCE)
def test_a_row_has_its_tests_or_a_reason(row: str) -> None:
    tests = REFERENCE[row]
    if isinstance(tests, Nothing):
        assert tests.because
        return
    assert tests
    for test in tests:
        module, _, name = test.partition("::")
        assert name.startswith("test_")
        assert name in functions(module), f"{test} is gone: who tests {row!r} in its place?"


def test_every_test_of_delivery_stands_for_a_row() -> None:
    named = {test for tests in REFERENCE.values() if not isinstance(tests, Nothing) for test in tests}
    assert {f"{DELIVERY}::{name}" for name in functions(DELIVERY) if name.startswith("test_")} <= named
