-- Subscriptions: the term a unit is bought or renewed for, and until when it is paid. The previous release neither reads
-- nor writes it and buys on demand: pools are told to subscribe once every replica has been replaced.
-- +goose Up

ALTER TABLE intents ADD COLUMN months BIGINT NOT NULL DEFAULT 0;
ALTER TABLE intents ADD COLUMN paid_until TIMESTAMPTZ;
ALTER TABLE resources ADD COLUMN paid_until TIMESTAMPTZ;

-- What will soon end.
CREATE INDEX resources_paid ON resources (paid_until) WHERE paid_until IS NOT NULL;
-- Whether a person has been told of an end.
CREATE INDEX findings_expiry ON findings (subject_id, kind, created_at) WHERE kind IN ('expiring', 'expired');
