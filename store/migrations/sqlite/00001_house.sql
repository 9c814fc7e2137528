-- The nouns and their relations. The PostgreSQL twin in ../postgres is alike, numbered alike, with its own type names.
-- Ids are UUIDv7 as text; money is fen in INTEGER; exact prices and amounts are TEXT; times are UTC microseconds; civil
-- days are TEXT YYYY-MM-DD; documents are TEXT JSON, so that one query text serves both engines.
-- +goose Up

-- Organisation ---------------------------------------------------------------------------------------------------

CREATE TABLE agencies (
  id          TEXT PRIMARY KEY,
  code        TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  short       TEXT NOT NULL UNIQUE,
  parent_id   TEXT REFERENCES agencies (id),
  depth       INTEGER NOT NULL CHECK (depth BETWEEN 1 AND 4),
  a1          TEXT NOT NULL,
  a2          TEXT NOT NULL,
  a3          TEXT NOT NULL,
  a4          TEXT NOT NULL,
  approver_id TEXT NOT NULL,
  payer_id    TEXT NOT NULL
) STRICT;

CREATE TABLE users (
  id         TEXT PRIMARY KEY,
  login      TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  active     INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE suppliers (
  id               TEXT PRIMARY KEY,
  code             TEXT NOT NULL UNIQUE,
  name             TEXT NOT NULL,
  class            TEXT NOT NULL,
  assessment_until TEXT NOT NULL
) STRICT;

CREATE TABLE grants (
  id          TEXT PRIMARY KEY,
  user_id     TEXT NOT NULL REFERENCES users (id),
  role        TEXT NOT NULL,
  agency_id   TEXT REFERENCES agencies (id),
  supplier_id TEXT REFERENCES suppliers (id)
) STRICT;
CREATE INDEX grants_user ON grants (user_id);
-- 三员分立: no person holds two of the three administrators' roles.
CREATE UNIQUE INDEX grants_one_administrator ON grants (user_id) WHERE role IN ('system_admin', 'security_admin', 'audit_admin');

CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id),
  label      TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE,
  expires_at TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE systems (
  id         TEXT PRIMARY KEY,
  code       TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  agency_id  TEXT NOT NULL REFERENCES agencies (id),
  level      INTEGER NOT NULL,
  filing     TEXT NOT NULL,
  classified INTEGER NOT NULL,
  builder    TEXT NOT NULL,
  operator   TEXT NOT NULL,
  users      INTEGER NOT NULL,
  cloud      TEXT NOT NULL,
  reason     TEXT NOT NULL
) STRICT;
CREATE INDEX systems_agency ON systems (agency_id, id);

CREATE TABLE projects (
  id           TEXT PRIMARY KEY,
  number       TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  agency_id    TEXT NOT NULL REFERENCES agencies (id),
  approved_fen INTEGER NOT NULL,
  funds        TEXT NOT NULL,
  year         INTEGER NOT NULL
) STRICT;

CREATE TABLE approval_rules (
  id        TEXT PRIMARY KEY,
  agency_id TEXT NOT NULL REFERENCES agencies (id),
  form      TEXT NOT NULL,
  rule      TEXT NOT NULL,
  UNIQUE (agency_id, form)
) STRICT;

-- Supply -----------------------------------------------------------------------------------------------------------

CREATE TABLE pools (
  id            TEXT PRIMARY KEY,
  code          TEXT NOT NULL UNIQUE,
  name          TEXT NOT NULL,
  supplier_id   TEXT NOT NULL REFERENCES suppliers (id),
  driver        TEXT NOT NULL,
  site          TEXT NOT NULL,
  region        TEXT NOT NULL,
  zones         TEXT NOT NULL,
  kinds         TEXT NOT NULL,
  level         INTEGER NOT NULL,
  xinchuang     TEXT NOT NULL,
  plan          TEXT NOT NULL,
  networks_used INTEGER NOT NULL DEFAULT 0,
  simulated     INTEGER NOT NULL,
  account       TEXT NOT NULL,
  sealed        BLOB,
  active        INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  reconcile_at  TEXT
) STRICT;

CREATE TABLE pool_capacity (
  id        TEXT PRIMARY KEY,
  pool_id   TEXT NOT NULL REFERENCES pools (id),
  dimension TEXT NOT NULL,
  lim       INTEGER,
  used      INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  UNIQUE (pool_id, dimension)
) STRICT;

CREATE TABLE contracts (
  id          TEXT PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  supplier_id TEXT NOT NULL REFERENCES suppliers (id),
  name        TEXT NOT NULL,
  start_day   TEXT NOT NULL,
  end_day     TEXT NOT NULL,
  lim         INTEGER,
  used        INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  rules       TEXT NOT NULL,
  sla         TEXT NOT NULL,
  allocation  TEXT NOT NULL,
  share       INTEGER NOT NULL,
  state       TEXT NOT NULL
) STRICT;
CREATE INDEX contracts_supplier ON contracts (supplier_id);

CREATE TABLE price_items (
  id          TEXT PRIMARY KEY,
  contract_id TEXT NOT NULL REFERENCES contracts (id),
  item        TEXT NOT NULL,
  name        TEXT NOT NULL,
  per         TEXT NOT NULL CHECK (per IN ('month', 'hour', 'once')),
  unit        TEXT NOT NULL,
  price       TEXT NOT NULL,
  list_price  TEXT NOT NULL,
  ceiling     TEXT NOT NULL,
  valid_from  TEXT NOT NULL,
  valid_until TEXT,
  UNIQUE (contract_id, item, valid_from)
) STRICT;

-- Quota and money --------------------------------------------------------------------------------------------------

CREATE TABLE quotas (
  id        TEXT PRIMARY KEY,
  agency_id TEXT NOT NULL REFERENCES agencies (id),
  dimension TEXT NOT NULL,
  lim       INTEGER,
  used      INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  UNIQUE (agency_id, dimension)
) STRICT;

CREATE TABLE budgets (
  id       TEXT PRIMARY KEY,
  payer_id TEXT NOT NULL REFERENCES agencies (id),
  year     INTEGER NOT NULL,
  item     TEXT NOT NULL,
  lim      INTEGER,
  used     INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  issued   INTEGER NOT NULL,
  UNIQUE (payer_id, year, item)
) STRICT;

-- Orders -----------------------------------------------------------------------------------------------------------

CREATE TABLE orders (
  id           TEXT PRIMARY KEY,
  number       TEXT NOT NULL UNIQUE,
  form         TEXT NOT NULL,
  state        TEXT NOT NULL,
  requested    TEXT NOT NULL,
  approved     TEXT NOT NULL,
  recommended  TEXT NOT NULL,
  chosen       TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  agency_id    TEXT NOT NULL REFERENCES agencies (id),
  a1           TEXT NOT NULL,
  a2           TEXT NOT NULL,
  a3           TEXT NOT NULL,
  a4           TEXT NOT NULL,
  payer_id     TEXT NOT NULL REFERENCES agencies (id),
  system_id    TEXT REFERENCES systems (id),
  project_id   TEXT REFERENCES projects (id),
  applicant_id TEXT NOT NULL REFERENCES users (id),
  total_fen    INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  version      INTEGER NOT NULL,
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL
) STRICT;
CREATE INDEX orders_a1 ON orders (a1, id);
CREATE INDEX orders_a2 ON orders (a2, id);
CREATE INDEX orders_a3 ON orders (a3, id);
CREATE INDEX orders_a4 ON orders (a4, id);
CREATE INDEX orders_state ON orders (state, id);
CREATE INDEX orders_project ON orders (project_id) WHERE project_id IS NOT NULL;

-- Which suppliers an order was placed with: a supplier sees these orders and no others.
CREATE TABLE order_suppliers (
  supplier_id TEXT NOT NULL REFERENCES suppliers (id),
  order_id    TEXT NOT NULL REFERENCES orders (id),
  PRIMARY KEY (supplier_id, order_id)
) STRICT;

CREATE TABLE order_events (
  id         TEXT PRIMARY KEY,
  order_id   TEXT NOT NULL REFERENCES orders (id),
  at         TEXT NOT NULL,
  actor_id   TEXT NOT NULL,
  actor      TEXT NOT NULL,
  action     TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state   TEXT NOT NULL,
  note       TEXT NOT NULL
) STRICT;
CREATE INDEX order_events_order ON order_events (order_id, id);

CREATE TABLE tasks (
  id          TEXT PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  order_id    TEXT NOT NULL REFERENCES orders (id),
  kind        TEXT NOT NULL,
  role        TEXT NOT NULL,
  agency_id   TEXT REFERENCES agencies (id),
  supplier_id TEXT REFERENCES suppliers (id),
  position    INTEGER NOT NULL,
  state       TEXT NOT NULL,
  actor_id    TEXT NOT NULL,
  actor       TEXT NOT NULL,
  note        TEXT NOT NULL,
  hash        TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  decided_at  TEXT,
  due_at      TEXT
) STRICT;
CREATE INDEX tasks_order ON tasks (order_id, position);
CREATE INDEX tasks_due ON tasks (due_at) WHERE state = 'pending' AND due_at IS NOT NULL;
CREATE INDEX tasks_pending ON tasks (agency_id, role, id) WHERE state = 'pending';
CREATE INDEX tasks_supplier ON tasks (supplier_id, id) WHERE supplier_id IS NOT NULL;

-- Resources and their purchase -------------------------------------------------------------------------------------

CREATE TABLE resources (
  id            TEXT PRIMARY KEY,
  number        TEXT UNIQUE,
  order_id      TEXT REFERENCES orders (id),
  line          TEXT NOT NULL,
  ordinal       INTEGER NOT NULL,
  kind          TEXT NOT NULL,
  name          TEXT NOT NULL,
  agency_id     TEXT NOT NULL REFERENCES agencies (id),
  a1            TEXT NOT NULL,
  a2            TEXT NOT NULL,
  a3            TEXT NOT NULL,
  a4            TEXT NOT NULL,
  payer_id      TEXT NOT NULL REFERENCES agencies (id),
  system_id     TEXT REFERENCES systems (id),
  project_id    TEXT REFERENCES projects (id),
  supplier_id   TEXT NOT NULL REFERENCES suppliers (id),
  pool_id       TEXT NOT NULL REFERENCES pools (id),
  contract_id   TEXT REFERENCES contracts (id),
  zone          TEXT NOT NULL,
  state         TEXT NOT NULL,
  spec          TEXT NOT NULL,
  monthly_fen   INTEGER NOT NULL,
  vendor_id     TEXT NOT NULL,
  parts         TEXT NOT NULL,
  addresses     TEXT NOT NULL,
  observed      TEXT NOT NULL,
  period        TEXT NOT NULL,
  delivered_at  TEXT,
  confirmed_at  TEXT,
  terminated_at TEXT,
  login_shown_at TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL
) STRICT;
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
  child_id  TEXT NOT NULL REFERENCES resources (id),
  parent_id TEXT NOT NULL REFERENCES resources (id),
  relation  TEXT NOT NULL,
  PRIMARY KEY (child_id, parent_id, relation)
) STRICT;
CREATE INDEX resource_links_parent ON resource_links (parent_id);

-- Which existing resources a change, renewal or release is about; a resource has one such order under way at most.
CREATE TABLE order_targets (
  order_id    TEXT NOT NULL REFERENCES orders (id),
  resource_id TEXT NOT NULL REFERENCES resources (id),
  open        INTEGER NOT NULL,
  PRIMARY KEY (order_id, resource_id)
) STRICT;
CREATE UNIQUE INDEX order_targets_one_open ON order_targets (resource_id) WHERE open;

-- The platform's network is prepared once per pool, agency and zone.
CREATE TABLE platform_networks (
  pool_id     TEXT NOT NULL REFERENCES pools (id),
  agency_id   TEXT NOT NULL REFERENCES agencies (id),
  zone        TEXT NOT NULL,
  resource_id TEXT NOT NULL REFERENCES resources (id),
  PRIMARY KEY (pool_id, agency_id, zone)
) STRICT;

CREATE TABLE intents (
  id          TEXT PRIMARY KEY,
  order_id    TEXT REFERENCES orders (id),
  resource_id TEXT NOT NULL REFERENCES resources (id),
  pool_id     TEXT NOT NULL REFERENCES pools (id),
  kind        TEXT NOT NULL,
  op          TEXT NOT NULL,
  before_spec TEXT NOT NULL,
  after_spec  TEXT NOT NULL,
  state       TEXT NOT NULL,
  step        INTEGER NOT NULL,
  generation  INTEGER NOT NULL,
  owner       TEXT NOT NULL,
  lease_until TEXT,
  wake_at     TEXT NOT NULL,
  attempt     INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  doubt       TEXT NOT NULL,
  compensate  TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  updated_at  TEXT NOT NULL
) STRICT;
CREATE INDEX intents_order ON intents (order_id);
CREATE INDEX intents_resource ON intents (resource_id, id);
-- What the sweeper looks at.
CREATE INDEX intents_due ON intents (wake_at) WHERE state IN ('intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched');
CREATE INDEX intents_waiting ON intents (created_at) WHERE state = 'waiting';
-- At most one intent per resource that is not at its end.
CREATE UNIQUE INDEX intents_one_open ON intents (resource_id)
  WHERE state IN ('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched');

CREATE TABLE intent_steps (
  intent_id  TEXT NOT NULL REFERENCES intents (id),
  ordinal    INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  name       TEXT NOT NULL,
  token      TEXT NOT NULL,
  vendor_id  TEXT NOT NULL,
  order_ref  TEXT NOT NULL,
  request_id TEXT NOT NULL,
  sent_at    TEXT NOT NULL,
  replied_at TEXT,
  outcome    TEXT NOT NULL,
  PRIMARY KEY (intent_id, ordinal, generation)
) STRICT;

CREATE TABLE holds (
  id          TEXT PRIMARY KEY,
  order_id    TEXT NOT NULL REFERENCES orders (id),
  resource_id TEXT NOT NULL REFERENCES resources (id),
  kind        TEXT NOT NULL,
  row_id      TEXT NOT NULL,
  amount      INTEGER NOT NULL CHECK (amount >= 0),
  state       TEXT NOT NULL
) STRICT;
CREATE INDEX holds_resource ON holds (resource_id);
CREATE INDEX holds_order ON holds (order_id);

CREATE TABLE work_orders (
  token       TEXT PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  mark        TEXT NOT NULL,
  resource_id TEXT NOT NULL REFERENCES resources (id),
  task_id     TEXT NOT NULL REFERENCES tasks (id),
  state       TEXT NOT NULL,
  name        TEXT NOT NULL,
  quantity    INTEGER NOT NULL,
  unit        TEXT NOT NULL,
  note        TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  decided_at  TEXT
) STRICT;
CREATE INDEX work_orders_task ON work_orders (task_id);
CREATE INDEX work_orders_mark ON work_orders (mark);

-- Metering and settlement ------------------------------------------------------------------------------------------

CREATE TABLE usage_intervals (
  id          TEXT PRIMARY KEY,
  resource_id TEXT NOT NULL REFERENCES resources (id),
  contract_id TEXT REFERENCES contracts (id),
  meter       TEXT NOT NULL,
  quantity    INTEGER NOT NULL,
  start_at    TEXT NOT NULL,
  end_at      TEXT,
  stopped     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX usage_one_open ON usage_intervals (resource_id, meter) WHERE end_at IS NULL;
CREATE INDEX usage_resource ON usage_intervals (resource_id, meter, start_at);
CREATE INDEX usage_contract ON usage_intervals (contract_id, resource_id, start_at);

CREATE TABLE statements (
  id          TEXT PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  contract_id TEXT NOT NULL REFERENCES contracts (id),
  supplier_id TEXT NOT NULL REFERENCES suppliers (id),
  month       TEXT NOT NULL,
  state       TEXT NOT NULL,
  total_fen   INTEGER NOT NULL,
  net_fen     INTEGER NOT NULL,
  tax_fen     INTEGER NOT NULL,
  hash        TEXT NOT NULL,
  closed_at   TEXT,
  UNIQUE (contract_id, month)
) STRICT;

CREATE TABLE statement_lines (
  id           TEXT PRIMARY KEY,
  statement_id TEXT NOT NULL REFERENCES statements (id),
  ordinal      INTEGER NOT NULL,
  charge       TEXT NOT NULL,
  resource_id  TEXT REFERENCES resources (id),
  agency_id    TEXT REFERENCES agencies (id),
  payer_id     TEXT REFERENCES agencies (id),
  system_id    TEXT REFERENCES systems (id),
  line_group   TEXT NOT NULL,
  item         TEXT NOT NULL,
  price_id     TEXT REFERENCES price_items (id),
  price        TEXT NOT NULL,
  per          TEXT NOT NULL,
  quantity     INTEGER NOT NULL,
  start_at     TEXT NOT NULL,
  end_at       TEXT NOT NULL,
  share        TEXT NOT NULL,
  exact        TEXT NOT NULL,
  amount_fen   INTEGER NOT NULL,
  list_fen     INTEGER NOT NULL,
  note         TEXT NOT NULL,
  UNIQUE (statement_id, ordinal)
) STRICT;
CREATE INDEX statement_lines_agency ON statement_lines (agency_id, statement_id, ordinal);

-- SLA --------------------------------------------------------------------------------------------------------------

CREATE TABLE probe_targets (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  resource_id TEXT REFERENCES resources (id),
  pool_id     TEXT REFERENCES pools (id),
  method      TEXT NOT NULL,
  address     TEXT NOT NULL,
  vantage     TEXT NOT NULL,
  active      INTEGER NOT NULL
) STRICT;

CREATE TABLE probe_results (
  target_id TEXT NOT NULL REFERENCES probe_targets (id),
  minute    TEXT NOT NULL,
  outcome   TEXT NOT NULL,
  millis    INTEGER NOT NULL,
  detail    TEXT NOT NULL,
  PRIMARY KEY (target_id, minute)
) STRICT;

CREATE TABLE incidents (
  id          TEXT PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  supplier_id TEXT NOT NULL REFERENCES suppliers (id),
  pool_id     TEXT NOT NULL REFERENCES pools (id),
  resource_id TEXT REFERENCES resources (id),
  state       TEXT NOT NULL,
  source      TEXT NOT NULL,
  start_at    TEXT NOT NULL,
  end_at      TEXT,
  attribution TEXT NOT NULL,
  announced   TEXT,
  note        TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_pool ON incidents (pool_id, start_at);
CREATE INDEX incidents_supplier ON incidents (supplier_id, id);

CREATE TABLE credits (
  id          TEXT PRIMARY KEY,
  contract_id TEXT NOT NULL REFERENCES contracts (id),
  resource_id TEXT NOT NULL REFERENCES resources (id),
  month       TEXT NOT NULL,
  fee_fen     INTEGER NOT NULL,
  percent     TEXT NOT NULL,
  amount_fen  INTEGER NOT NULL,
  note        TEXT NOT NULL,
  UNIQUE (contract_id, resource_id, month)
) STRICT;

-- Records ----------------------------------------------------------------------------------------------------------

CREATE TABLE findings (
  id          TEXT PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL,
  subject     TEXT NOT NULL,
  subject_id  TEXT NOT NULL,
  agency_id   TEXT REFERENCES agencies (id),
  supplier_id TEXT REFERENCES suppliers (id),
  message     TEXT NOT NULL,
  evidence    TEXT NOT NULL,
  actions     TEXT NOT NULL,
  resolution  TEXT NOT NULL,
  resolved_by TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  resolved_at TEXT
) STRICT;
-- The same matter is one finding until it is resolved.
CREATE UNIQUE INDEX findings_one_open ON findings (kind, subject, subject_id) WHERE state = 'open';
CREATE INDEX findings_state ON findings (state, id);

CREATE TABLE audit_entries (
  id       TEXT PRIMARY KEY,
  at       TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor    TEXT NOT NULL,
  action   TEXT NOT NULL,
  subject  TEXT NOT NULL,
  key      TEXT NOT NULL,
  detail   TEXT NOT NULL,
  trace_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit_entries (subject, key, id);

CREATE TABLE idempotency_keys (
  actor_id   TEXT NOT NULL,
  key        TEXT NOT NULL,
  route      TEXT NOT NULL,
  body_hash  TEXT NOT NULL,
  result_id  TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (actor_id, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency_keys (created_at);

CREATE TABLE counters (
  form      TEXT NOT NULL,
  agency_id TEXT NOT NULL,
  year      INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  PRIMARY KEY (form, agency_id, year)
) STRICT;

-- Settings of the platform that everyone shares: the business clock's offset.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
