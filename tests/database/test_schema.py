"""The schema against what product.md gives: tables, columns, statuses, job types."""

from __future__ import annotations

import re

import psycopg
import pytest

TABLES = {
    *("companies", "skillbases", "leads", "campaigns", "call_tasks", "calls", "recordings", "receipts"),
    *("background_jobs", "campaign_status_history", "do_not_call", "supervisors", "campaign_leases"),
}

# Column: type, or type = default, as product.md gives them; no more than these are tested.
GIVEN = {
    "campaigns": """
        id uuid; company_id uuid; skillbase_id uuid; name character varying(255); description text;
        status character varying(20) = draft; status_message text; status_error text;
        start_time timestamp with time zone; end_time timestamp with time zone;
        daily_start_time character varying(5); daily_end_time character varying(5); timezone character varying(64);
        max_concurrent_calls integer; calls_per_minute integer; max_retries integer = 3;
        retry_delay_minutes numeric = 30; total_tasks integer; completed_tasks integer; failed_tasks integer;
        created_at timestamp with time zone; updated_at timestamp with time zone
    """,
    "call_tasks": """
        id uuid; campaign_id uuid; phone_number character varying(50); contact_name character varying(255);
        contact_data jsonb; status character varying(20) = pending; priority integer = 0; attempt_count integer = 0;
        max_attempts integer; last_attempt_at timestamp with time zone; next_attempt_at timestamp with time zone;
        call_id uuid; outcome character varying(50); error_message text;
        created_at timestamp with time zone; updated_at timestamp with time zone
    """,
}
CHOICES = {
    "chk_campaign_status": "draft running paused completed failed",
    "chk_task_status": "pending in_progress completed retry failed",
    "chk_outcome": "answered voicemail no_answer busy rejected invalid_number trunk_failed rate_limited agent_failed "
    "cancelled interrupted error",
    "chk_job_type": "delete_receipts_all delete_leads update_leads delete_imported_leads enqueue_outbound_calls "
    "broadcast",
    "chk_lead_source": "imported manual",
}


def test_every_table_of_the_product_is_there(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        assert {row[0] for row in rows} >= TABLES


@pytest.mark.parametrize("table", GIVEN)
def test_the_given_columns_have_their_names_types_and_defaults(dsn: str, table: str) -> None:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            """SELECT attname, format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid) FROM pg_attribute
               LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
               WHERE attrelid = %s::regclass AND attnum > 0""",
            (table,),
        )
        found = {name: (kind, default) for name, kind, default in rows}
    for given in GIVEN[table].split(";"):
        column, _, default = given.partition(" = ")
        name, kind = column.strip().split(" ", 1)
        assert found[name][0] == kind.strip(), name
        if default:
            assert re.sub(r"::[a-z ]+$", "", found[name][1]).strip("'") == default.strip(), name


def test_times_are_with_time_zone(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            """SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
               WHERE relnamespace = 'public'::regnamespace AND atttypid = 'timestamp'::regtype
               AND relname NOT LIKE '%yoyo%'"""
        )
        assert rows.fetchall() == []


@pytest.mark.parametrize("constraint", CHOICES)
def test_the_database_allows_exactly_the_values_of_the_product(dsn: str, constraint: str) -> None:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", (constraint,)
        )
        (definition,) = row.fetchone()
    assert set(re.findall(r"'([a-z_]+)'", definition)) == set(CHOICES[constraint].split())
