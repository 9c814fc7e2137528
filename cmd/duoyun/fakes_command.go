package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os/signal"
	"slices"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func (a *app) fakesCommand() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use: "fakes", Short: "模拟云：按各家协议应答，供客户端试用 · simulated vendor clouds for anyone's client", Args: cobra.NoArgs,
		Long: `Serves one simulated cloud a vendor, each speaking that vendor's own protocol, on ports that follow one another from the
given one, and prints the account of each: point the vendor's own client, or a pool, at it. What is bought is gone when it
ends.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return a.fakes(ctx, cmd.OutOrStdout(), address)
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:8480", "address of the first; port 0 takes any free ones")
	return cmd
}

func (a *app) fakes(ctx context.Context, w io.Writer, address string) error {
	host, text, err := net.SplitHostPort(address)
	port, err1 := strconv.Atoi(text)
	if err := errors.Join(err, err1); err != nil {
		return duoyun.Fail(duoyun.CodeInvalid, "listen", "应为 主机:端口，如 127.0.0.1:8480：%s", "must be host:port, such as 127.0.0.1:8480, not %s", address)
	}
	var all clouds
	for i, driver := range slices.Sorted(maps.Keys(vendorFakes())) {
		c, err := newCloud(driver, driver, simcloud.Options{Latency: simcloud.Latency{Create: simulatedDelay, Change: simulatedDelay, Delete: simulatedDelay}})
		at := port
		if port != 0 {
			at = port + i
		}
		if err == nil {
			err = c.listen(net.JoinHostPort(host, strconv.Itoa(at)))
		}
		if err != nil {
			return errors.Join(err, all.Close())
		}
		all = append(all, c)
		account, err := json.Marshal(c.reach(c.url))
		if err != nil {
			return errors.Join(err, all.Close())
		}
		fmt.Fprintf(w, "%s  %s\n  %s %s\n  %s %s\n", driver, c.url, a.say("账号", "account"), account, a.say("密钥", "secret"), c.secret)
	}
	fmt.Fprintln(w, a.say("Ctrl-C 结束，所购即失。", "Ctrl-C ends; what was bought goes with it."))
	<-ctx.Done()
	return all.Close()
}
