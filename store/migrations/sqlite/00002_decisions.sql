-- What was recommended, chosen and signed for an order before something else took its place. The previous release neither
-- reads nor writes it.
-- +goose Up

CREATE TABLE order_decisions (
  id           TEXT PRIMARY KEY,
  order_id     TEXT NOT NULL REFERENCES orders (id),
  at           TEXT NOT NULL,
  actor_id     TEXT NOT NULL,
  actor        TEXT NOT NULL,
  action       TEXT NOT NULL,
  note         TEXT NOT NULL,
  recommended  TEXT NOT NULL,
  chosen       TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  total_fen    INTEGER NOT NULL
) STRICT;
CREATE INDEX order_decisions_order ON order_decisions (order_id, id);
