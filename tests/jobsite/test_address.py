"""Addresses of servers: those that are read, those that are refused, and what a refusal never tells."""

import pytest

from jobsite import address
from jobsite.setting import OddSetting

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:pw@db/jobs",
        "postgres://me:p%40%2F%25w@db:5432/jobs?sslmode=require",
        "postgresql://me:a?b#c@db/jobs",
        "postgresql://first:5432,second/jobs?target_session_attrs=read-write",
        "postgresql:///jobs?host=/run/a@b",
        "postgresql://[::1]:5432/jobs",
    ],
)
def test_an_address_that_postgresqls_own_library_understands_is_taken(text: str) -> None:
    assert address.database({"DATABASE_URL": text}, "DATABASE_URL") == text


@pytest.mark.parametrize(
    "text",
    [
        "redis://broker",
        "redis://:p@ss@broker:6379/15",
        "rediss://me:p%2Fw@broker/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem",
        "redis+socket:///run/broker.sock",
        "redis+socket:///run/broker.sock?virtual_host=3",
    ],
)
def test_an_address_that_the_brokers_library_understands_is_taken(text: str) -> None:
    assert address.broker({"REDIS_URL": text}, "REDIS_URL") == text


@pytest.mark.parametrize(
    "text",
    [
        f"mysql://me:{SECRET}@db/jobs",
        f"postgresql://me:{SECRET}/cret+w@db/jobs",
        f"postgresql://me:12/{SECRET}@db/jobs",
        f"postgresql://me:12/s?{SECRET}@db/jobs",
        f"postgresql://me:p@{SECRET}@db/jobs",
        f"postgresql://me:%{SECRET}@db/jobs",
        f"postgresql://me:{SECRET}@db/jobs?sslmod=require",
        f"postgresql://me:{SECRET}@db:port/jobs",
        f"postgresql://me:{SECRET}@db:65536/jobs",
        f"postgresql://me:{SECRET}@[::1/jobs",
        f"host=db password={SECRET}",
    ],
)
def test_a_database_that_cannot_be_meant_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(OddSetting) as refusal:
        address.database({"DATABASE_URL": text}, "DATABASE_URL")
    assert SECRET not in str(refusal.value)
    assert "%2F for a /" in str(refusal.value)
    assert refusal.value.__context__ is None


@pytest.mark.parametrize(
    "text",
    [
        f"amqp://me:{SECRET}@broker",
        f"redis://:{SECRET}@broker/first",
        f"redis://:{SECRET}@broker/-1",
        f"redis://:{SECRET}@broker/0?foo=bar",
        f"redis://:{SECRET}@broker/0?virtual_host=1",
        f"redis://:{SECRET}@broker:port/0",
        f"redis://:{SECRET}/w@broker/0",
        f"redis://:12/{SECRET}@broker/0",
        f"redis://:12#{SECRET}@broker/0",
        f"redis://:12?{SECRET}@broker/0",
        f"redis://:{SECRET}@broker/0;redis://other/0",
        f"rediss://:{SECRET}@broker/0?ssl_cert_reqs=perhaps",
        f"redis://:{SECRET}@[::1/0",
        f"redis+socket://:12/{SECRET}@/run/broker.sock",
        f"redis+socket://:{SECRET}@",
        f"redis+socket://:{SECRET}@/run/broker.sock?virtual_host=first",
    ],
)
def test_a_broker_that_cannot_be_meant_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(OddSetting) as refusal:
        address.broker({"REDIS_URL": text}, "REDIS_URL")
    assert SECRET not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_of_a_refused_address_only_its_scheme_is_told() -> None:
    with pytest.raises(OddSetting, match=r"^REDIS_URL is 'http://…'; it must be an address such as redis://"):
        address.broker({"REDIS_URL": "http://broker"}, "REDIS_URL")
