package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/deploy/scenarios"
)

func (a *app) demoCommand() *cobra.Command {
	var once bool
	var dir string
	cmd := &cobra.Command{
		Use: "demo", Short: "演示：宿迁场景，模拟云 · the main job on simulated clouds", Args: cobra.NoArgs,
		Long: "Starts a server on an embedded database with simulated vendor clouds on loopback, loads the Suqian scenario and\ntakes its orders from request to statement; then keeps serving until Ctrl-C. Everything lies in a temporary folder.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{app: a, once: once, dir: dir, tell: &teller{app: a, w: cmd.OutOrStdout()}}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "verify the end state and exit: 0 and \"demo: OK\", or 1 with what is wrong")
	cmd.Flags().StringVar(&dir, "dir", "", "folder for the database, tokens and log (default: a new temporary one)")
	return cmd
}

// demo is one run of the demonstration.
type demo struct {
	*app
	once      bool
	dir       string
	temporary bool // dir is the run's own, and goes with it
	tell      *teller
	scenario  *scenario
	clouds    clouds
	house     *house
	play      *play
	numbers   []string // of the orders, by chapter
}

func (d *demo) run(ctx context.Context) error {
	if err := d.folder(); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(d.dir, "duoyun.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := logger("info", logFile)
	slog.SetDefault(log)
	if err := d.open(ctx, log); err != nil {
		return errors.Join(err, d.close())
	}
	return errors.Join(d.serve(ctx), d.close())
}

// folder makes the folder of the run. One that was used before is refused: a story is told from its beginning.
func (d *demo) folder() (err error) {
	if d.dir == "" {
		d.temporary = true
		d.dir, err = os.MkdirTemp("", "duoyun-demo-")
		return err
	}
	if _, err := os.Stat(filepath.Join(d.dir, "duoyun.db")); err == nil {
		return duoyun.Fail(duoyun.CodeInvalid, "dir", "该文件夹已用于一次演示，请另选或删除：%s", "the folder holds an earlier demonstration: choose another or remove it: %s", d.dir)
	}
	return os.MkdirAll(d.dir, 0o700)
}

// open starts the clouds and wires a server over an empty database.
func (d *demo) open(ctx context.Context, log *slog.Logger) error {
	files, err := fs.Sub(scenarios.Suqian, "suqian")
	if err != nil {
		return err
	}
	if d.scenario, err = readScenario(files); err != nil {
		return err
	}
	if err := d.scenario.extend("vendors.yaml"); err != nil {
		return err
	}
	if d.clouds, err = startClouds(d.scenario.Pools); err != nil {
		return err
	}
	c := defaultConfig()
	c.Listen, c.Database, c.SealKeyFile = demoAddress(c.Listen), filepath.Join(d.dir, "duoyun.db"), filepath.Join(d.dir, "duoyun.key")
	c.AdvanceClock, c.VendorRate, c.StartClock = true, 500, d.scenario.Story.Start.Format(time.RFC3339)
	d.house, err = build(ctx, c, log)
	return err
}

// demoAddress is the usual address where it is free, and any free one otherwise.
func demoAddress(usual string) string {
	l, err := net.Listen("tcp", usual)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close()
	return usual
}

func (d *demo) close() error {
	err := d.clouds.Close()
	if d.house != nil {
		err = errors.Join(err, d.house.Close())
	}
	if d.temporary {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	return err
}

// serve runs the server and, once it answers, the story; then it goes on serving, or, with --once, ends.
func (d *demo) serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- d.house.serve(ctx, func(a string) { address <- a }) }()
	var told error
	select {
	case err := <-ended:
		return err
	case a := <-address:
		told = d.story(ctx, a)
	}
	switch {
	case told == nil && !d.once:
		d.tell.say("继续服务，Ctrl-C 结束。", "Serving on; Ctrl-C ends.")
		<-ctx.Done()
	case ctx.Err() != nil && !d.once:
		told = nil // the user had seen enough
	}
	stop()
	err := errors.Join(told, <-ended)
	if err == nil && d.once {
		d.tell.say("demo: OK", "demo: OK")
	}
	return err
}

// story is the demonstration itself, act by act.
func (d *demo) story(ctx context.Context, address string) error {
	d.tell.say("多云演示：宿迁场景。模拟环境：所有云均为模拟，价格均为示例价格。", "Duoyun demonstration: Suqian. Every cloud is simulated, every price an example.")
	for _, act := range []func(context.Context) error{
		func(ctx context.Context) error { return d.load(ctx, address) },
		d.orders, d.deliver, d.month, d.settle, d.change, d.summary, d.verify,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	if d.once {
		return nil
	}
	d.tell.say("\n接口 %[1]s（文档 %[1]s/docs），令牌文件 %[2]s", "\nAPI %[1]s (docs at %[1]s/docs), tokens in %[2]s", address, d.tokenPath())
	d.tell.say("例如：bin/duoyun --tokens %s --as hrss-applicant get orders", "Try: bin/duoyun --tokens %s --as hrss-applicant get orders", d.tokenPath())
	return nil
}

func (d *demo) tokenPath() string { return filepath.Join(d.dir, "tokens.json") }

func (d *demo) load(ctx context.Context, address string) error {
	d.tell.title("装载场景", "Loading the scenario")
	root := d.scenario.Root
	tokens, err := bootstrap(ctx, d.house.access, access.AgencyInput{Code: root.Code, Name: root.Name, Short: root.Short})
	if err != nil {
		return err
	}
	d.play = &play{cast: newCast(address, d.language(), tokens), scenario: d.scenario, tell: d.tell}
	err = d.tell.during("装载", "loading", func() error {
		return d.scenario.load(ctx, d.play.cast, d.clouds.accounts(), func(zh, en string, n int) { d.tell.say("▸ %s %d", "▸ %s %d", d.say(zh, en), n) })
	})
	if err != nil {
		return err
	}
	return tokenFile{Server: address, Tokens: d.play.tokens}.write(d.tokenPath())
}

// orders takes every order from request to delivery.
func (d *demo) orders(ctx context.Context) error {
	d.tell.title("申报、核定、推荐、会签、采购、开通", "Requested, cut back, recommended, signed, bought, delivered")
	for _, c := range d.scenario.Story.Orders {
		number, err := d.play.submit(ctx, c)
		if err != nil {
			return err
		}
		d.numbers = append(d.numbers, number)
		err = d.tell.during("办理 "+number, "working on "+number, func() error { return d.play.until(ctx, number, c, duoyun.OrderDelivered) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) deliver(ctx context.Context) error {
	d.tell.title("交付与开通确认", "Delivery sheets and confirmation")
	if err := d.advance(ctx, d.scenario.Story.Confirm); err != nil {
		return err
	}
	for i, c := range d.scenario.Story.Orders {
		if err := d.play.confirm(ctx, d.numbers[i], c); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the business clock, as the system administrator of a demonstration may.
func (d *demo) advance(ctx context.Context, to time.Time) error {
	d.tell.say("⏱ 业务时钟 → %s", "⏱ business clock → %s", to.In(duoyun.Civil).Format(time.DateTime))
	return d.play.as("sysadmin").post(ctx, "/v1/clock", body{"to": to.Format(time.RFC3339)}, nil)
}

// change stops nothing that runs without an order: one server grows, and one order's resources are given back.
func (d *demo) change(ctx context.Context) error {
	d.tell.title("变更与注销", "A change and a release")
	last := len(d.numbers) - 1
	for _, x := range []struct {
		chapter int
		action  duoyun.Action
	}{{last, duoyun.ActionResize}, {last - 1, duoyun.ActionRelease}} {
		c := d.scenario.Story.Orders[x.chapter]
		number, err := d.play.changeOrder(ctx, d.numbers[x.chapter], c, x.action)
		if err != nil {
			return err
		}
		err = d.tell.during("办理 "+number, "working on "+number, func() error { return d.play.until(ctx, number, c, duoyun.OrderConfirmed) })
		if err != nil {
			return fmt.Errorf("%s: %w", x.action, err)
		}
	}
	return nil
}
