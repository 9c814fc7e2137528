-- +goose Up

-- How far the comparison of a pool's account has come: one that was killed goes on from here.
CREATE TABLE reconcile_runs (
  pool_id      TEXT COLLATE "C" PRIMARY KEY REFERENCES pools (id),
  version      BIGINT NOT NULL,
  seed         BIGINT NOT NULL,
  started_at   TIMESTAMPTZ NOT NULL,
  kind         TEXT NOT NULL,
  listed       BOOLEAN NOT NULL,
  whole        BOOLEAN NOT NULL,
  position     TEXT NOT NULL,
  page         BIGINT NOT NULL,
  tally        TEXT NOT NULL,
  tally_before TEXT NOT NULL
);

-- Hashes of the vendor ids that the listing of a run's present kind has shown, a row a page.
CREATE TABLE reconcile_pages (
  pool_id TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
  page    BIGINT NOT NULL,
  hashes  BYTEA NOT NULL,
  PRIMARY KEY (pool_id, page)
);

-- Steps whose effect was proven absent, or of which nobody knows: their pools are watched.
CREATE INDEX intent_steps_doubtful ON intent_steps (replied_at) WHERE outcome IN ('absent', 'sent', 'in_doubt');
