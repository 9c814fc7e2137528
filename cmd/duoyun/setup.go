package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/store"
)

const defaultConfigFile = "duoyun.yaml"

func (a *app) loadConfig() (config, error) {
	return loadConfig(first(a.config, defaultConfigFile), a.config != "", a.getenv)
}

func (c config) openStore(ctx context.Context) (*store.Store, error) {
	key, err := c.sealKey()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, c.Database, store.Options{SealKey: key})
}

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "配置 · the server's configuration"}
	cmd.AddCommand(&cobra.Command{
		Use: "check", Short: "检查配置并说明每一项 · check the configuration and explain every setting", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			return c.explain(cmd.OutOrStdout())
		},
	})
	return cmd
}

// explain lists every setting with its value, its variable and what it is for.
func (c config) explain(w io.Writer) error {
	rows, v := [][]string{}, reflect.ValueOf(c)
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		rows = append(rows, []string{tag.Get("yaml"), fmt.Sprint(v.Field(i)), tag.Get("env"), tag.Get("doc")})
	}
	return writeTable(w, rows)
}

// onStore runs f over the configured database, its schema up to date.
func (a *app) onStore(ctx context.Context, f func(c config, s *store.Store) error) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	s, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return f(c, s)
}

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "建立或升级数据库 · bring the database's schema up to date", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onStore(cmd.Context(), func(config, *store.Store) error { return nil })
		},
	}
}

func (a *app) initCommand() *cobra.Command {
	var in access.AgencyInput
	var file string
	cmd := &cobra.Command{
		Use: "init", Short: "初始化：根单位与三员 · set up: the root agency and the three administrators", Args: cobra.NoArgs,
		Long: "Makes the root agency and the system, security and audit administrators (三员分立), and writes their tokens,\nvalid for 90 days, to a file that only its owner reads. Running it again goes on where it stopped.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onStore(cmd.Context(), func(c config, s *store.Store) error {
				tokens, err := bootstrap(cmd.Context(), access.New(s, time.Now), in)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), a.say("令牌已写入 ", "tokens written to ")+file)
				return tokenFile{Server: "http://" + c.Listen, Tokens: tokens}.write(file)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Code, "agency", "", "code of the root agency, such as suqian")
	f.StringVar(&in.Name, "name", "", "its name, such as 宿迁市")
	f.StringVar(&in.Short, "short", "", "its short name for numbers 单号, such as 宿")
	f.StringVar(&file, "file", "duoyun-tokens.json", "where the tokens go")
	for _, name := range []string{"agency", "name", "short"} {
		_ = cmd.MarkFlagRequired(name) // the flags exist
	}
	return cmd
}

// administrator is one of the first three accounts: the three who must be apart.
type administrator struct {
	login, name string
	role        duoyun.Role
}

func administrators() []administrator {
	return []administrator{
		{"sysadmin", "系统管理员", duoyun.RoleSystemAdmin},
		{"secadmin", "安全管理员", duoyun.RoleSecurityAdmin},
		{"auditadmin", "审计管理员", duoyun.RoleAuditAdmin},
	}
}

const firstTokenLife = 90 * 24 * time.Hour

// bootstrap makes the root agency and its administrators, each step repeatable, and returns fresh tokens by login.
func bootstrap(ctx context.Context, svc *access.Service, root access.AgencyInput) (map[string]string, error) {
	platform, tokens := duoyun.SystemActor(), map[string]string{}
	step := func(name string) duoyun.Once {
		return duoyun.Once{Key: "init:" + name, Route: "init", BodyHash: root.Code}
	}
	if _, err := svc.CreateAgency(ctx, platform, step("root"), root); err != nil {
		return nil, err
	}
	for _, x := range administrators() {
		if _, err := svc.CreateUser(ctx, platform, step(x.login), access.UserInput{Login: x.login, Name: x.name}); err != nil {
			return nil, err
		}
		if _, err := svc.Grant(ctx, platform, x.login, access.GrantInput{Role: x.role, Agency: root.Code}); err != nil {
			return nil, err
		}
		_, secret, err := svc.IssueToken(ctx, platform, duoyun.Once{}, x.login, access.TokenInput{Label: "init", Life: firstTokenLife})
		if err != nil {
			return nil, err
		}
		tokens[x.login] = secret
	}
	return tokens, nil
}
