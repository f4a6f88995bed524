-- The tables of version 2, as that program made them, with what it had stored. {bytes} is BLOB or BYTEA.
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (2);

CREATE TABLE responses (
    id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL, previous VARCHAR(64),
    version BIGINT NOT NULL, deleted BOOLEAN NOT NULL, input {bytes} NOT NULL, response {bytes} NOT NULL,
    notes {bytes} NOT NULL, conversation VARCHAR(64), PRIMARY KEY (id, tenant)
);
CREATE INDEX responses_previous ON responses (previous) WHERE previous IS NOT NULL;
INSERT INTO responses VALUES
    ('resp_1', 'me', 1000, NULL, 1, true, '"Hi"', '{"id":"resp_1"}', '[]', NULL),
    ('resp_2', 'me', 2000, 'resp_1', 2, false, '"Again"', '{"id":"resp_2"}', '[]', 'conv_1'),
    ('resp_3', 'me', 3000, NULL, 3, false, '"In the background"', '{"id":"resp_3"}', '[]', NULL);

CREATE TABLE conversations (
    id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL, metadata {bytes} NOT NULL,
    lease_holder VARCHAR(64), lease_until FLOAT, PRIMARY KEY (id, tenant)
);
INSERT INTO conversations VALUES ('conv_1', 'me', 1500, '{"a":"b"}', NULL, NULL);

CREATE TABLE conversation_items (
    tenant VARCHAR(64) NOT NULL, conversation VARCHAR(64) NOT NULL, position BIGINT NOT NULL, id VARCHAR(64) NOT NULL,
    json {bytes} NOT NULL, PRIMARY KEY (tenant, conversation, position)
);
INSERT INTO conversation_items VALUES ('me', 'conv_1', 0, 'msg_1', '{"id":"msg_1"}');

CREATE TABLE runs (
    id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, holder VARCHAR(64) NOT NULL, until FLOAT NOT NULL,
    streamed BOOLEAN NOT NULL, last INTEGER NOT NULL, ended FLOAT, PRIMARY KEY (id, tenant)
);
CREATE INDEX runs_going_on ON runs (holder) WHERE ended IS NULL;
CREATE INDEX runs_replayable ON runs (ended) WHERE ended IS NOT NULL AND last >= 0;
INSERT INTO runs VALUES ('resp_3', 'me', 'one', 3010, true, 0, 3005);

CREATE TABLE run_events (
    tenant VARCHAR(64) NOT NULL, run VARCHAR(64) NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    over BOOLEAN NOT NULL, frames {bytes} NOT NULL, PRIMARY KEY (tenant, run, first)
);
INSERT INTO run_events VALUES ('me', 'resp_3', 0, 0, true, 'event: e');
