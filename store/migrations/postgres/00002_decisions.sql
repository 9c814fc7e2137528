-- What was recommended, chosen and signed for an order before something else took its place. The previous release neither
-- reads nor writes it.
-- +goose Up

CREATE TABLE order_decisions (
  id           TEXT COLLATE "C" PRIMARY KEY,
  order_id     TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
  at           TIMESTAMPTZ NOT NULL,
  actor_id     TEXT NOT NULL,
  actor        TEXT NOT NULL,
  action       TEXT NOT NULL,
  note         TEXT NOT NULL,
  recommended  TEXT NOT NULL,
  chosen       TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  total_fen    BIGINT NOT NULL
);
CREATE INDEX order_decisions_order ON order_decisions (order_id, id);
