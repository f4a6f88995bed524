"""The statements on what named keys have used, in a SQL store: one row for each day, key, upstream and model."""

from typing import Final

from adapter.store.base import USAGE_COUNTS, KeyUsage

_FIELDS: Final = ", ".join(KeyUsage.__struct_fields__)
_ADDED: Final = ", ".join(f"{name} = key_usage.{name} + excluded.{name}" for name in USAGE_COUNTS)

ADD: Final = f"""
    INSERT INTO key_usage ({_FIELDS}) VALUES ({", ".join(f":{name}" for name in KeyUsage.__struct_fields__)})
    ON CONFLICT (day, key, upstream, model) DO UPDATE SET {_ADDED}
"""
GET: Final = f"SELECT {_FIELDS} FROM key_usage WHERE day >= :since ORDER BY day, key, upstream, model"
TOKENS: Final = """
    SELECT key, day, CAST(SUM(input_tokens + output_tokens) AS BIGINT) FROM key_usage
    WHERE day >= :since GROUP BY key, day
"""
DELETE_OLD: Final = "DELETE FROM key_usage WHERE day < :since"
