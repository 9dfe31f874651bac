"""What stands on a topic: stored first, said once, again when old, numbers only growing."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.models import Document, SaidSequence
from controller.mqtt.publisher import Publisher, Retained
from controller.sequence import RESTORE_JUMP, LeadLost, jump_after_restore
from protocol.codec import from_json
from protocol.envelope import MessageType, heading_of, verify
from protocol.keys import SigningKey
from protocol.messages import NodeConfig, ReportAck, ScheduleHead
from protocol.topics import Topics

TOPIC = "loa/v1/main/area/a1/dn/schedule"


def head(**fields):
    return Retained(
        TOPIC, MessageType.SCHEDULE, "area:a1", ScheduleHead(area_id="a1", **fields), {"f" * 64: 9}
    )


@pytest.fixture
def opened(link, controller_key):
    """The heading and the message last said on a topic."""

    def do(topic=TOPIC, type_=MessageType.SCHEDULE, cls=ScheduleHead):
        shown = controller_key.verify_key
        body = verify(link.last(topic).payload, type_, {shown.kid: shown})
        return heading_of(body), from_json(cls, body)

    return do


def test_a_document_is_sealed_numbered_and_retained(publisher, link, opened, clock):
    assert publisher.retain(head())
    heading, said = opened()
    assert (heading.site, heading.to, heading.from_) == ("main", "area:a1", "controller")
    assert heading.issued_at == clock.now
    assert heading.expires_at > clock.now
    assert said.revision == 1
    assert link.last(TOPIC).retain


def test_equal_content_is_not_said_anew(publisher, link):
    publisher.retain(head())
    assert not publisher.retain(head())
    assert len(link.sent) == 1


def test_changed_content_gets_the_next_revision_and_a_higher_number(publisher, opened):
    publisher.retain(head())
    before, _ = opened()
    publisher.retain(head(until=before.issued_at))
    after, said = opened()
    assert said.revision == 2
    assert after.seq > before.seq


def test_a_day_old_document_gets_a_fresh_expiry_and_keeps_its_revision(publisher, opened, clock):
    publisher.retain(head())
    before, _ = opened()
    clock.pass_(hours=21)
    assert publisher.retain(head())
    after, said = opened()
    assert said.revision == 1
    assert after.seq > before.seq
    assert after.expires_at > before.expires_at


def test_a_document_is_stored_with_the_blobs_it_names(publisher, engine, link):
    publisher.retain(head())
    with reading(engine) as session:
        row = session.get_one(Document, TOPIC)
    assert row.envelope == link.last(TOPIC).payload
    assert row.blobs == {"f" * 64: 9}


def test_what_was_said_while_the_link_was_down_is_said_on_connecting(publisher, link, opened):
    link.down = True
    publisher.retain(head())
    link.down = False
    assert publisher.repeat_all() == 1
    assert opened()[1].revision == 1


def test_a_forgetful_broker_is_told_everything_again_as_it_was_sealed(publisher, link):
    publisher.retain(head())
    config = "loa/v1/main/device/d1/dn/config"
    publisher.retain(Retained(config, MessageType.CONFIG, "device:d1", NodeConfig(node_id="n1")))
    first = {sent.topic: sent.payload for sent in link.sent}
    link.sent.clear()
    publisher.repeat_all()
    assert {sent.topic: sent.payload for sent in link.sent} == first


def test_a_withdrawn_document_leaves_broker_and_database(publisher, link, engine):
    publisher.retain(head())
    publisher.withdraw(TOPIC)
    assert link.last(TOPIC).payload == b""
    with reading(engine) as session:
        assert session.get(Document, TOPIC) is None


def test_a_message_that_is_not_retained_expires_on_the_broker(publisher, link, engine):
    with transaction(engine) as session:
        sealed = publisher.seal(
            session, MessageType.CONFIG, "device:d", NodeConfig(), timedelta(seconds=30)
        )
    assert publisher.send("t", sealed, timedelta(seconds=30))
    assert (link.last("t").retain, link.last("t").expires_in_s) == (False, 30)
    link.down = True
    assert not publisher.send("t", sealed, timedelta(seconds=30))


def test_after_a_restored_backup_everything_is_said_anew_with_numbers_nodes_accept(
    publisher, opened, engine
):
    publisher.retain(head())
    before, _ = opened()
    with transaction(engine) as session:
        jump_after_restore(session)
    assert publisher.retain(head())
    after, said = opened()
    assert after.seq > before.seq + RESTORE_JUMP
    assert said.revision == 1
    assert not publisher.retain(head())


def test_a_database_rolled_back_by_others_speaks_above_what_nodes_have_heard(
    publisher, opened, engine, clock
):
    publisher.resume()
    publisher.retain(head())
    with transaction(engine) as session:
        kept = session.scalars(select(SaidSequence.last)).one()
    clock.pass_(hours=3)
    publisher.resume()
    publisher.retain(head())
    heard, _ = opened()
    with transaction(engine) as session:  # as pg_restore would: nodes have heard more
        session.scalars(select(SaidSequence)).one().last = kept
    clock.pass_(minutes=1)
    publisher.resume()
    assert publisher.retain(head())
    after, _ = opened()
    assert after.seq > heard.seq


def test_a_former_leader_cannot_say_what_it_saw_before_another_took_over(
    publisher, opened, engine, link, controller_key, clock
):
    """Paused between looking at the rows and publishing, it would be newer than the truth."""
    other = Publisher(engine, link, controller_key, Topics("main"), clock)
    publisher.resume()
    publisher.retain(head())
    other.resume()
    assert other.retain(head(until=clock.now + timedelta(days=9)))
    truth = opened()
    sent = len(link.sent)
    with pytest.raises(LeadLost):
        publisher.retain(head(until=clock.now + timedelta(days=3)))
    with pytest.raises(LeadLost):
        publisher.withdraw(TOPIC)
    assert (publisher.leads(), other.leads()) == (False, True)
    assert (len(link.sent), opened()) == (sent, truth)
    assert not other.retain(head(until=clock.now + timedelta(days=9)))


def test_who_only_acknowledges_need_not_lead(publisher, engine, link, controller_key, clock):
    worker = Publisher(engine, link, controller_key, Topics("main"), clock)
    publisher.resume()
    with transaction(engine) as session:
        said = [("device:d", ReportAck("e", 1))]
        assert worker.seal_all(session, MessageType.ACK, said, timedelta(hours=1))


def test_a_short_pause_says_nothing_anew(publisher, opened, clock):
    publisher.resume()
    publisher.retain(head())
    before, _ = opened()
    clock.pass_(minutes=30)
    publisher.resume()
    assert not publisher.retain(head())
    assert opened()[0] == before


def test_with_another_signing_key_everything_is_said_anew(publisher, engine, link, clock):
    publisher.retain(head())
    renewed = Publisher(engine, link, SigningKey.generate(), Topics("main"), clock)
    assert renewed.retain(head())
    assert not renewed.retain(head())
