-- The nouns and their relations. The SQLite twin in ../sqlite is alike, numbered alike, with its own type names.
-- Ids are UUIDv7 as text; money is fen in BIGINT; exact prices and amounts are TEXT; times are UTC microseconds; civil
-- days are TEXT YYYY-MM-DD; documents are TEXT JSON, so that one query text serves both engines.
-- +goose Up

-- Organisation ---------------------------------------------------------------------------------------------------

CREATE TABLE agencies (
  id          TEXT COLLATE "C" PRIMARY KEY,
  code        TEXT COLLATE "C" NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  short       TEXT COLLATE "C" NOT NULL UNIQUE,
  parent_id   TEXT COLLATE "C" REFERENCES agencies (id),
  depth       BIGINT NOT NULL CHECK (depth BETWEEN 1 AND 4),
  a1          TEXT COLLATE "C" NOT NULL,
  a2          TEXT COLLATE "C" NOT NULL,
  a3          TEXT COLLATE "C" NOT NULL,
  a4          TEXT COLLATE "C" NOT NULL,
  approver_id TEXT COLLATE "C" NOT NULL,
  payer_id    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE users (
  id         TEXT COLLATE "C" PRIMARY KEY,
  login      TEXT COLLATE "C" NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  active     BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE suppliers (
  id               TEXT COLLATE "C" PRIMARY KEY,
  code             TEXT COLLATE "C" NOT NULL UNIQUE,
  name             TEXT NOT NULL,
  class            TEXT NOT NULL,
  assessment_until TEXT NOT NULL
);

CREATE TABLE grants (
  id          TEXT COLLATE "C" PRIMARY KEY,
  user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (id),
  role        TEXT COLLATE "C" NOT NULL,
  agency_id   TEXT COLLATE "C" REFERENCES agencies (id),
  supplier_id TEXT COLLATE "C" REFERENCES suppliers (id)
);
CREATE INDEX grants_user ON grants (user_id);
-- 三员分立: no person holds two of the three administrators' roles.
CREATE UNIQUE INDEX grants_one_administrator ON grants (user_id) WHERE role IN ('system_admin', 'security_admin', 'audit_admin');

CREATE TABLE tokens (
  id         TEXT COLLATE "C" PRIMARY KEY,
  user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id),
  label      TEXT NOT NULL,
  hash       TEXT COLLATE "C" NOT NULL UNIQUE,
  expires_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE systems (
  id         TEXT COLLATE "C" PRIMARY KEY,
  code       TEXT COLLATE "C" NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  agency_id  TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  level      BIGINT NOT NULL,
  filing     TEXT NOT NULL,
  classified BOOLEAN NOT NULL,
  builder    TEXT NOT NULL,
  operator   TEXT NOT NULL,
  users      BIGINT NOT NULL,
  cloud      TEXT COLLATE "C" NOT NULL,
  reason     TEXT NOT NULL
);
CREATE INDEX systems_agency ON systems (agency_id, id);

CREATE TABLE projects (
  id           TEXT COLLATE "C" PRIMARY KEY,
  number       TEXT COLLATE "C" NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  agency_id    TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  approved_fen BIGINT NOT NULL,
  funds        TEXT NOT NULL,
  year         BIGINT NOT NULL
);

CREATE TABLE approval_rules (
  id        TEXT COLLATE "C" PRIMARY KEY,
  agency_id TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  form      TEXT COLLATE "C" NOT NULL,
  rule      TEXT NOT NULL,
  UNIQUE (agency_id, form)
);

-- Supply -----------------------------------------------------------------------------------------------------------

CREATE TABLE pools (
  id            TEXT COLLATE "C" PRIMARY KEY,
  code          TEXT COLLATE "C" NOT NULL UNIQUE,
  name          TEXT NOT NULL,
  supplier_id   TEXT COLLATE "C" NOT NULL REFERENCES suppliers (id),
  driver        TEXT NOT NULL,
  site          TEXT NOT NULL,
  region        TEXT NOT NULL,
  zones         TEXT NOT NULL,
  kinds         TEXT NOT NULL,
  level         BIGINT NOT NULL,
  xinchuang     TEXT NOT NULL,
  plan          TEXT NOT NULL,
  networks_used BIGINT NOT NULL DEFAULT 0,
  simulated     BOOLEAN NOT NULL,
  account       TEXT NOT NULL,
  sealed        BYTEA,
  active        BOOLEAN NOT NULL,
  version       BIGINT NOT NULL,
  reconcile_at  TIMESTAMPTZ
);

CREATE TABLE pool_capacity (
  id        TEXT COLLATE "C" PRIMARY KEY,
  pool_id   TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
  dimension TEXT COLLATE "C" NOT NULL,
  lim       BIGINT,
  used      BIGINT NOT NULL DEFAULT 0 CHECK (used >= 0),
  UNIQUE (pool_id, dimension)
);

CREATE TABLE contracts (
  id          TEXT COLLATE "C" PRIMARY KEY,
  number      TEXT COLLATE "C" NOT NULL UNIQUE,
  supplier_id TEXT COLLATE "C" NOT NULL REFERENCES suppliers (id),
  name        TEXT NOT NULL,
  start_day   TEXT COLLATE "C" NOT NULL,
  end_day     TEXT COLLATE "C" NOT NULL,
  lim         BIGINT,
  used        BIGINT NOT NULL DEFAULT 0 CHECK (used >= 0),
  rules       TEXT NOT NULL,
  sla         TEXT NOT NULL,
  allocation  TEXT NOT NULL,
  share       BIGINT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX contracts_supplier ON contracts (supplier_id);

CREATE TABLE price_items (
  id          TEXT COLLATE "C" PRIMARY KEY,
  contract_id TEXT COLLATE "C" NOT NULL REFERENCES contracts (id),
  item        TEXT COLLATE "C" NOT NULL,
  name        TEXT NOT NULL,
  per         TEXT COLLATE "C" NOT NULL CHECK (per IN ('month', 'hour', 'once')),
  unit        TEXT NOT NULL,
  price       TEXT NOT NULL,
  list_price  TEXT NOT NULL,
  ceiling     TEXT NOT NULL,
  valid_from  TIMESTAMPTZ NOT NULL,
  valid_until TIMESTAMPTZ,
  UNIQUE (contract_id, item, valid_from)
);

-- Quota and money --------------------------------------------------------------------------------------------------

CREATE TABLE quotas (
  id        TEXT COLLATE "C" PRIMARY KEY,
  agency_id TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  dimension TEXT COLLATE "C" NOT NULL,
  lim       BIGINT,
  used      BIGINT NOT NULL DEFAULT 0 CHECK (used >= 0),
  UNIQUE (agency_id, dimension)
);

CREATE TABLE budgets (
  id       TEXT COLLATE "C" PRIMARY KEY,
  payer_id TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  year     BIGINT NOT NULL,
  item     TEXT COLLATE "C" NOT NULL,
  lim      BIGINT,
  used     BIGINT NOT NULL DEFAULT 0 CHECK (used >= 0),
  issued   BOOLEAN NOT NULL,
  UNIQUE (payer_id, year, item)
);

-- Orders -----------------------------------------------------------------------------------------------------------

CREATE TABLE orders (
  id           TEXT COLLATE "C" PRIMARY KEY,
  number       TEXT COLLATE "C" NOT NULL UNIQUE,
  form         TEXT COLLATE "C" NOT NULL,
  state        TEXT COLLATE "C" NOT NULL,
  requested    TEXT NOT NULL,
  approved     TEXT NOT NULL,
  recommended  TEXT NOT NULL,
  chosen       TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  agency_id    TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  a1           TEXT COLLATE "C" NOT NULL,
  a2           TEXT COLLATE "C" NOT NULL,
  a3           TEXT COLLATE "C" NOT NULL,
  a4           TEXT COLLATE "C" NOT NULL,
  payer_id     TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  system_id    TEXT COLLATE "C" REFERENCES systems (id),
  project_id   TEXT COLLATE "C" REFERENCES projects (id),
  applicant_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
  total_fen    BIGINT NOT NULL,
  reason       TEXT NOT NULL,
  version      BIGINT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL,
  updated_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX orders_a1 ON orders (a1, id);
CREATE INDEX orders_a2 ON orders (a2, id);
CREATE INDEX orders_a3 ON orders (a3, id);
CREATE INDEX orders_a4 ON orders (a4, id);
CREATE INDEX orders_state ON orders (state, id);
CREATE INDEX orders_project ON orders (project_id) WHERE project_id IS NOT NULL;

-- Which suppliers an order was placed with: a supplier sees these orders and no others.
CREATE TABLE order_suppliers (
  supplier_id TEXT COLLATE "C" NOT NULL REFERENCES suppliers (id),
  order_id    TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
  PRIMARY KEY (supplier_id, order_id)
);

CREATE TABLE order_events (
  id         TEXT COLLATE "C" PRIMARY KEY,
  order_id   TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
  at         TIMESTAMPTZ NOT NULL,
  actor_id   TEXT NOT NULL,
  actor      TEXT NOT NULL,
  action     TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state   TEXT NOT NULL,
  note       TEXT NOT NULL
);
CREATE INDEX order_events_order ON order_events (order_id, id);

CREATE TABLE tasks (
  id          TEXT COLLATE "C" PRIMARY KEY,
  number      TEXT COLLATE "C" NOT NULL UNIQUE,
  order_id    TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
  kind        TEXT COLLATE "C" NOT NULL,
  role        TEXT COLLATE "C" NOT NULL,
  agency_id   TEXT COLLATE "C" REFERENCES agencies (id),
  supplier_id TEXT COLLATE "C" REFERENCES suppliers (id),
  position    BIGINT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  actor_id    TEXT NOT NULL,
  actor       TEXT NOT NULL,
  note        TEXT NOT NULL,
  hash        TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  decided_at  TIMESTAMPTZ,
  due_at      TIMESTAMPTZ
);
CREATE INDEX tasks_order ON tasks (order_id, position);
CREATE INDEX tasks_due ON tasks (due_at) WHERE state = 'pending' AND due_at IS NOT NULL;
CREATE INDEX tasks_pending ON tasks (agency_id, role, id) WHERE state = 'pending';
CREATE INDEX tasks_supplier ON tasks (supplier_id, id) WHERE supplier_id IS NOT NULL;

-- Resources and their purchase -------------------------------------------------------------------------------------

CREATE TABLE resources (
  id            TEXT COLLATE "C" PRIMARY KEY,
  number        TEXT COLLATE "C" UNIQUE,
  order_id      TEXT COLLATE "C" REFERENCES orders (id),
  line          TEXT COLLATE "C" NOT NULL,
  ordinal       BIGINT NOT NULL,
  kind          TEXT COLLATE "C" NOT NULL,
  name          TEXT NOT NULL,
  agency_id     TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  a1            TEXT COLLATE "C" NOT NULL,
  a2            TEXT COLLATE "C" NOT NULL,
  a3            TEXT COLLATE "C" NOT NULL,
  a4            TEXT COLLATE "C" NOT NULL,
  payer_id      TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  system_id     TEXT COLLATE "C" REFERENCES systems (id),
  project_id    TEXT COLLATE "C" REFERENCES projects (id),
  supplier_id   TEXT COLLATE "C" NOT NULL REFERENCES suppliers (id),
  pool_id       TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
  contract_id   TEXT COLLATE "C" REFERENCES contracts (id),
  zone          TEXT NOT NULL,
  state         TEXT COLLATE "C" NOT NULL,
  spec          TEXT NOT NULL,
  monthly_fen   BIGINT NOT NULL,
  vendor_id     TEXT COLLATE "C" NOT NULL,
  parts         TEXT NOT NULL,
  addresses     TEXT NOT NULL,
  observed      TEXT NOT NULL,
  period        TEXT NOT NULL,
  delivered_at  TIMESTAMPTZ,
  confirmed_at  TIMESTAMPTZ,
  terminated_at TIMESTAMPTZ,
  login_shown_at TIMESTAMPTZ,
  created_at    TIMESTAMPTZ NOT NULL,
  updated_at    TIMESTAMPTZ NOT NULL
);
-- One pair of indexes per depth: any subtree's newest rows, with and without a state, are one index range each.
CREATE INDEX resources_a1 ON resources (a1, id);
CREATE INDEX resources_a2 ON resources (a2, id);
CREATE INDEX resources_a3 ON resources (a3, id);
CREATE INDEX resources_a4 ON resources (a4, id);
CREATE INDEX resources_a1_state ON resources (a1, state, id);
CREATE INDEX resources_a2_state ON resources (a2, state, id);
CREATE INDEX resources_a3_state ON resources (a3, state, id);
CREATE INDEX resources_a4_state ON resources (a4, state, id);
CREATE INDEX resources_supplier ON resources (supplier_id, id);
CREATE INDEX resources_order ON resources (order_id, line, ordinal);
CREATE INDEX resources_pool ON resources (pool_id, kind, vendor_id);
CREATE INDEX resources_system ON resources (system_id, id);

CREATE TABLE resource_links (
  child_id  TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  parent_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  relation  TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (child_id, parent_id, relation)
);
CREATE INDEX resource_links_parent ON resource_links (parent_id);

-- Which existing resources a change, renewal or release is about; a resource has one such order under way at most.
CREATE TABLE order_targets (
  order_id    TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  open        BOOLEAN NOT NULL,
  PRIMARY KEY (order_id, resource_id)
);
CREATE UNIQUE INDEX order_targets_one_open ON order_targets (resource_id) WHERE open;

-- The platform's network is prepared once per pool, agency and zone.
CREATE TABLE platform_networks (
  pool_id     TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
  agency_id   TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
  zone        TEXT COLLATE "C" NOT NULL,
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  PRIMARY KEY (pool_id, agency_id, zone)
);

CREATE TABLE intents (
  id          TEXT COLLATE "C" PRIMARY KEY,
  order_id    TEXT COLLATE "C" REFERENCES orders (id),
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  pool_id     TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
  kind        TEXT COLLATE "C" NOT NULL,
  op          TEXT COLLATE "C" NOT NULL,
  before_spec TEXT NOT NULL,
  after_spec  TEXT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  step        BIGINT NOT NULL,
  generation  BIGINT NOT NULL,
  owner       TEXT NOT NULL,
  lease_until TIMESTAMPTZ,
  wake_at     TIMESTAMPTZ NOT NULL,
  attempt     BIGINT NOT NULL,
  reason      TEXT NOT NULL,
  doubt       TEXT NOT NULL,
  compensate  TEXT COLLATE "C" NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  updated_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX intents_order ON intents (order_id);
CREATE INDEX intents_resource ON intents (resource_id, id);
-- What the sweeper looks at.
CREATE INDEX intents_due ON intents (wake_at) WHERE state IN ('intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched');
CREATE INDEX intents_waiting ON intents (created_at) WHERE state = 'waiting';
-- At most one intent per resource that is not at its end.
CREATE UNIQUE INDEX intents_one_open ON intents (resource_id)
  WHERE state IN ('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched');

CREATE TABLE intent_steps (
  intent_id  TEXT COLLATE "C" NOT NULL REFERENCES intents (id),
  ordinal    BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  name       TEXT NOT NULL,
  token      TEXT COLLATE "C" NOT NULL,
  vendor_id  TEXT NOT NULL,
  order_ref  TEXT NOT NULL,
  request_id TEXT NOT NULL,
  sent_at    TIMESTAMPTZ NOT NULL,
  replied_at TIMESTAMPTZ,
  outcome    TEXT NOT NULL,
  PRIMARY KEY (intent_id, ordinal, generation)
);

CREATE TABLE holds (
  id          TEXT COLLATE "C" PRIMARY KEY,
  order_id    TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  kind        TEXT COLLATE "C" NOT NULL,
  row_id      TEXT COLLATE "C" NOT NULL,
  amount      BIGINT NOT NULL CHECK (amount >= 0),
  state       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX holds_resource ON holds (resource_id);
CREATE INDEX holds_order ON holds (order_id);

-- The guards of the holds in one round trip: one row a statement, in the order given, as store/hold.go does it on SQLite.
-- Shared rows stay locked from their guard to COMMIT, so that a network round trip between guards is what would limit
-- how many orders can be placed. Returns the 0-based index of the first row that has not enough left, or -1.
-- +goose StatementBegin
CREATE FUNCTION charge_rows(kinds TEXT[], ids TEXT[], adds BIGINT[]) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. COALESCE(array_length(ids, 1), 0) LOOP
    CASE kinds[i]
      WHEN 'contract' THEN
        UPDATE contracts SET used = used + adds[i]
          WHERE id = ids[i] AND (adds[i] <= 0 OR state = 'active' AND (lim IS NULL OR used + adds[i] <= lim));
      WHEN 'pool' THEN
        UPDATE pool_capacity SET used = used + adds[i] WHERE id = ids[i] AND (adds[i] <= 0 OR lim IS NULL OR used + adds[i] <= lim);
      WHEN 'budget' THEN
        UPDATE budgets SET used = used + adds[i] WHERE id = ids[i] AND (adds[i] <= 0 OR lim IS NULL OR used + adds[i] <= lim);
      WHEN 'quota' THEN
        UPDATE quotas SET used = used + adds[i] WHERE id = ids[i] AND (adds[i] <= 0 OR lim IS NULL OR used + adds[i] <= lim);
    END CASE;
    IF NOT FOUND THEN
      RETURN i - 1;
    END IF;
  END LOOP;
  RETURN -1;
END $$;
-- +goose StatementEnd

CREATE TABLE work_orders (
  token       TEXT COLLATE "C" PRIMARY KEY,
  id          TEXT COLLATE "C" NOT NULL UNIQUE,
  mark        TEXT COLLATE "C" NOT NULL,
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  task_id     TEXT COLLATE "C" NOT NULL REFERENCES tasks (id),
  state       TEXT COLLATE "C" NOT NULL,
  name        TEXT NOT NULL,
  quantity    BIGINT NOT NULL,
  unit        TEXT NOT NULL,
  note        TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  decided_at  TIMESTAMPTZ
);
CREATE INDEX work_orders_task ON work_orders (task_id);
CREATE INDEX work_orders_mark ON work_orders (mark);

-- Metering and settlement ------------------------------------------------------------------------------------------

CREATE TABLE usage_intervals (
  id          TEXT COLLATE "C" PRIMARY KEY,
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  contract_id TEXT COLLATE "C" REFERENCES contracts (id),
  meter       TEXT COLLATE "C" NOT NULL,
  quantity    BIGINT NOT NULL,
  start_at    TIMESTAMPTZ NOT NULL,
  end_at      TIMESTAMPTZ,
  stopped     BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX usage_one_open ON usage_intervals (resource_id, meter) WHERE end_at IS NULL;
CREATE INDEX usage_resource ON usage_intervals (resource_id, meter, start_at);
CREATE INDEX usage_contract ON usage_intervals (contract_id, resource_id, start_at);

CREATE TABLE statements (
  id          TEXT COLLATE "C" PRIMARY KEY,
  number      TEXT COLLATE "C" NOT NULL UNIQUE,
  contract_id TEXT COLLATE "C" NOT NULL REFERENCES contracts (id),
  supplier_id TEXT COLLATE "C" NOT NULL REFERENCES suppliers (id),
  month       TEXT COLLATE "C" NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  total_fen   BIGINT NOT NULL,
  net_fen     BIGINT NOT NULL,
  tax_fen     BIGINT NOT NULL,
  hash        TEXT NOT NULL,
  closed_at   TIMESTAMPTZ,
  UNIQUE (contract_id, month)
);

CREATE TABLE statement_lines (
  id           TEXT COLLATE "C" PRIMARY KEY,
  statement_id TEXT COLLATE "C" NOT NULL REFERENCES statements (id),
  ordinal      BIGINT NOT NULL,
  charge       TEXT COLLATE "C" NOT NULL,
  resource_id  TEXT COLLATE "C" REFERENCES resources (id),
  agency_id    TEXT COLLATE "C" REFERENCES agencies (id),
  payer_id     TEXT COLLATE "C" REFERENCES agencies (id),
  system_id    TEXT COLLATE "C" REFERENCES systems (id),
  line_group   TEXT COLLATE "C" NOT NULL,
  item         TEXT COLLATE "C" NOT NULL,
  price_id     TEXT COLLATE "C" REFERENCES price_items (id),
  price        TEXT NOT NULL,
  per          TEXT NOT NULL,
  quantity     BIGINT NOT NULL,
  start_at     TIMESTAMPTZ NOT NULL,
  end_at       TIMESTAMPTZ NOT NULL,
  share        TEXT NOT NULL,
  exact        TEXT NOT NULL,
  amount_fen   BIGINT NOT NULL,
  list_fen     BIGINT NOT NULL,
  note         TEXT NOT NULL,
  UNIQUE (statement_id, ordinal)
);
CREATE INDEX statement_lines_agency ON statement_lines (agency_id, statement_id, ordinal);

-- SLA --------------------------------------------------------------------------------------------------------------

CREATE TABLE probe_targets (
  id          TEXT COLLATE "C" PRIMARY KEY,
  name        TEXT NOT NULL,
  resource_id TEXT COLLATE "C" REFERENCES resources (id),
  pool_id     TEXT COLLATE "C" REFERENCES pools (id),
  method      TEXT COLLATE "C" NOT NULL,
  address     TEXT NOT NULL,
  vantage     TEXT COLLATE "C" NOT NULL,
  active      BOOLEAN NOT NULL
);

CREATE TABLE probe_results (
  target_id TEXT COLLATE "C" NOT NULL REFERENCES probe_targets (id),
  minute    TIMESTAMPTZ NOT NULL,
  outcome   TEXT COLLATE "C" NOT NULL,
  millis    BIGINT NOT NULL,
  detail    TEXT NOT NULL,
  PRIMARY KEY (target_id, minute)
);

CREATE TABLE incidents (
  id          TEXT COLLATE "C" PRIMARY KEY,
  number      TEXT COLLATE "C" NOT NULL UNIQUE,
  supplier_id TEXT COLLATE "C" NOT NULL REFERENCES suppliers (id),
  pool_id     TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
  resource_id TEXT COLLATE "C" REFERENCES resources (id),
  state       TEXT COLLATE "C" NOT NULL,
  source      TEXT NOT NULL,
  start_at    TIMESTAMPTZ NOT NULL,
  end_at      TIMESTAMPTZ,
  attribution TEXT NOT NULL,
  announced   TIMESTAMPTZ,
  note        TEXT NOT NULL
);
CREATE INDEX incidents_pool ON incidents (pool_id, start_at);
CREATE INDEX incidents_supplier ON incidents (supplier_id, id);

CREATE TABLE credits (
  id          TEXT COLLATE "C" PRIMARY KEY,
  contract_id TEXT COLLATE "C" NOT NULL REFERENCES contracts (id),
  resource_id TEXT COLLATE "C" NOT NULL REFERENCES resources (id),
  month       TEXT COLLATE "C" NOT NULL,
  fee_fen     BIGINT NOT NULL,
  percent     TEXT NOT NULL,
  amount_fen  BIGINT NOT NULL,
  note        TEXT NOT NULL,
  UNIQUE (contract_id, resource_id, month)
);

-- Records ----------------------------------------------------------------------------------------------------------

CREATE TABLE findings (
  id          TEXT COLLATE "C" PRIMARY KEY,
  number      TEXT COLLATE "C" NOT NULL UNIQUE,
  kind        TEXT COLLATE "C" NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  subject     TEXT COLLATE "C" NOT NULL,
  subject_id  TEXT COLLATE "C" NOT NULL,
  agency_id   TEXT COLLATE "C" REFERENCES agencies (id),
  supplier_id TEXT COLLATE "C" REFERENCES suppliers (id),
  message     TEXT NOT NULL,
  evidence    TEXT NOT NULL,
  actions     TEXT NOT NULL,
  resolution  TEXT NOT NULL,
  resolved_by TEXT NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL,
  resolved_at TIMESTAMPTZ
);
-- The same matter is one finding until it is resolved.
CREATE UNIQUE INDEX findings_one_open ON findings (kind, subject, subject_id) WHERE state = 'open';
CREATE INDEX findings_state ON findings (state, id);

CREATE TABLE audit_entries (
  id       TEXT COLLATE "C" PRIMARY KEY,
  at       TIMESTAMPTZ NOT NULL,
  actor_id TEXT NOT NULL,
  actor    TEXT NOT NULL,
  action   TEXT NOT NULL,
  subject  TEXT COLLATE "C" NOT NULL,
  key      TEXT COLLATE "C" NOT NULL,
  detail   TEXT NOT NULL,
  trace_id TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit_entries (subject, key, id);

CREATE TABLE idempotency_keys (
  actor_id   TEXT COLLATE "C" NOT NULL,
  key        TEXT COLLATE "C" NOT NULL,
  route      TEXT NOT NULL,
  body_hash  TEXT NOT NULL,
  result_id  TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (actor_id, key)
);
CREATE INDEX idempotency_age ON idempotency_keys (created_at);

CREATE TABLE counters (
  form      TEXT COLLATE "C" NOT NULL,
  agency_id TEXT COLLATE "C" NOT NULL,
  year      BIGINT NOT NULL,
  last      BIGINT NOT NULL,
  PRIMARY KEY (form, agency_id, year)
);

-- Settings of the platform that everyone shares: the business clock's offset.
CREATE TABLE settings (
  name  TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);
