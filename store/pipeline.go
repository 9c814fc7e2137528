package store

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// later runs a statement of a transaction whose outcome nothing in it depends on before its end. PostgreSQL is sent such
// statements together, with BEGIN before them, as soon as something has to be waited for: a query, a statement whose
// outcome matters now, or the end. A transaction costs mostly the ways to the server and back, of which every statement
// would be one.
//
// check turns how many rows were changed, or the engine's error, into what the caller is told: where the statement waits,
// whoever runs the next one is told instead, so that the transaction fails all the same. nil: errors are passed on.
func later(ctx context.Context, q querier, check func(n int64, err error) error, query string, args ...any) error {
	if !storable(args) {
		return unstorable()
	}
	w := &wait{check: check}
	r, err := q.ExecContext(context.WithValue(ctx, waitKey{}, w), query, args...)
	if w.kept {
		return err
	}
	if err != nil {
		return w.outcome(0, err)
	}
	return w.outcome(r.RowsAffected())
}

// later1 is must1 for a statement that may run later.
func later1(ctx context.Context, q querier, otherwise error, query string, args ...any) error {
	return later(ctx, q, func(n int64, err error) error {
		if err == nil && n != 1 {
			return otherwise
		}
		return err
	}, query, args...)
}

// wait allows the statements that are run with it to wait.
type wait struct {
	check func(n int64, err error) error
	kept  bool // one does
}

type waitKey struct{}

func (w *wait) outcome(n int64, err error) error {
	if w == nil || w.check == nil {
		return err
	}
	return w.check(n, err)
}

// openPipelined opens PostgreSQL with connections that keep statements for later.
func openPipelined(dsn string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(pipelines{stdlib.GetConnector(*config)}), nil
}

type pipelines struct{ driver.Connector }

func (p pipelines) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &pipeline{Conn: c.(*stdlib.Conn)}, nil
}

// pipeline is a connection of pgx that sends what waits before anything else. It belongs to one goroutine at a time, as
// every connection of database/sql does.
type pipeline struct {
	*stdlib.Conn
	inTx   bool
	queue  []statement
	failed error // what a statement of this transaction came to that waited: it cannot be committed any more
}

type statement struct {
	query string
	args  []any
	wait  *wait // nil for BEGIN
}

// BeginTx lets BEGIN wait for the first statement; what is not a plain transaction begins at once.
func (p *pipeline) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o != (driver.TxOptions{}) {
		return p.Conn.BeginTx(ctx, o)
	}
	if p.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	p.inTx, p.queue, p.failed = true, append(p.queue[:0], statement{query: "begin"}), nil
	return &pipelineTx{p, ctx}, nil
}

// ExecContext runs a statement, or keeps it for later.
func (p *pipeline) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	w, _ := ctx.Value(waitKey{}).(*wait)
	if w == nil || !p.inTx {
		if err := p.flush(ctx); err != nil {
			return nil, err
		}
		return p.Conn.ExecContext(ctx, query, args)
	}
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
	}
	w.kept = true
	p.queue = append(p.queue, statement{query, values, w})
	return driver.RowsAffected(0), nil
}

// QueryContext sends what waits and then the query.
func (p *pipeline) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.Conn.QueryContext(ctx, query, args)
}

// PrepareContext sends what waits: who prepares will not come back through this connection's methods.
func (p *pipeline) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.Conn.PrepareContext(ctx, query)
}

// flush sends what waits in one go and checks how each statement fared; the first that did not do what it should is the
// error.
func (p *pipeline) flush(ctx context.Context) error {
	if len(p.queue) == 0 || p.failed != nil {
		return p.failed
	}
	var batch pgx.Batch
	for _, s := range p.queue {
		batch.Queue(s.query, s.args...)
	}
	sent := p.queue
	p.queue = nil
	results := p.Conn.Conn().SendBatch(ctx, &batch)
	for _, s := range sent {
		tag, err := results.Exec()
		if p.failed == nil { // the others fail after it
			p.failed = s.wait.outcome(tag.RowsAffected(), err)
		}
	}
	if err := results.Close(); p.failed == nil {
		p.failed = err
	}
	return p.failed
}

type pipelineTx struct {
	*pipeline
	ctx context.Context
}

// Commit sends what waits, looks how it fared, and only then commits.
func (t *pipelineTx) Commit() error {
	if len(t.queue) == 1 && t.queue[0].query == "begin" {
		t.end()
		return nil // nothing was done
	}
	if err := t.flush(t.ctx); err != nil {
		_ = t.Rollback()
		return err
	}
	t.end()
	tag, err := t.Conn.Conn().Exec(t.ctx, "commit")
	if err == nil && tag.String() == "ROLLBACK" {
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// Rollback forgets what waits and takes back what was done.
func (t *pipelineTx) Rollback() error {
	t.end()
	c := t.Conn.Conn()
	if c.IsClosed() || c.PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := c.Exec(t.ctx, "rollback")
	if err != nil {
		_ = c.Close(t.ctx) // what was begun must not go on in the next hands
	}
	return err
}

func (t *pipelineTx) end() { t.inTx, t.queue, t.failed = false, nil, nil }
