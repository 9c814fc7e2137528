-- +goose Up

-- How far the comparison of a pool's account has come: one that was killed goes on from here.
CREATE TABLE reconcile_runs (
  pool_id      TEXT PRIMARY KEY REFERENCES pools (id),
  version      INTEGER NOT NULL,
  seed         INTEGER NOT NULL,
  started_at   TEXT NOT NULL,
  kind         TEXT NOT NULL,
  listed       INTEGER NOT NULL,
  whole        INTEGER NOT NULL,
  position     TEXT NOT NULL,
  page         INTEGER NOT NULL,
  tally        TEXT NOT NULL,
  tally_before TEXT NOT NULL
) STRICT;

-- Hashes of the vendor ids that the listing of a run's present kind has shown, a row a page.
CREATE TABLE reconcile_pages (
  pool_id TEXT NOT NULL REFERENCES pools (id),
  page    INTEGER NOT NULL,
  hashes  BLOB NOT NULL,
  PRIMARY KEY (pool_id, page)
) STRICT;

-- Steps whose effect was proven absent, or of which nobody knows: their pools are watched.
CREATE INDEX intent_steps_doubtful ON intent_steps (replied_at) WHERE outcome IN ('absent', 'sent', 'in_doubt');
