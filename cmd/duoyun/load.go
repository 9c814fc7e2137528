package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// cast is the people of a scenario with the API calls they can make.
type cast struct {
	base    string
	lang    string
	clients map[string]*client
	tokens  map[string]string
}

func newCast(base, lang string, tokens map[string]string) *cast {
	c := &cast{base: base, lang: lang, clients: map[string]*client{}, tokens: tokens}
	for login, token := range tokens {
		c.clients[login] = newClient(base, token, lang)
	}
	return c
}

// as returns the client of a login; the scenario's own files name them, so an unknown one is a fault of the scenario.
func (c *cast) as(login string) *client {
	x, ok := c.clients[login]
	if !ok {
		panic("scenario: nobody is called " + login)
	}
	return x
}

// account is how a pool's cloud is reached.
type account struct {
	body      body
	secret    string
	simulated bool
}

// load makes the scenario's rows through the API, in the order in which they refer to each other. step is told what begins and how many rows it has.
func (s *scenario) load(ctx context.Context, c *cast, accounts map[string]account, step func(zh, en string, n int)) error {
	l := loader{ctx: ctx, cast: c}
	step("单位", "agencies", len(s.Departments))
	l.all("sysadmin", "/v1/agencies", s.Departments)
	step("用户与角色", "users and roles", len(s.People))
	s.people(&l, false)
	step("供应商", "suppliers", len(s.Suppliers))
	l.all("procurement", "/v1/suppliers", s.Suppliers)
	s.people(&l, true)
	step("信息系统", "systems", len(s.Systems))
	l.all("reviewer", "/v1/systems", s.Systems)
	step("立项", "projects", len(s.Projects))
	l.all("reviewer", "/v1/projects", s.Projects)
	step("资源池", "pools", len(s.Pools))
	for _, p := range s.Pools {
		l.post("procurement", "/v1/pools", p.Pool.with(accounts[p.Cloud]))
	}
	step("合同", "contracts", len(s.Contracts))
	l.all("procurement", "/v1/contracts", s.Contracts)
	step("配额与预算", "quotas and budgets", len(s.Quotas)+len(s.Budgets))
	for _, q := range s.Quotas {
		for dimension, limit := range q.Limits {
			l.put("procurement", "/v1/agencies/"+url.PathEscape(q.Agency)+"/quotas/"+dimension, body{"limit": limit})
		}
	}
	l.all("finance", "/v1/budgets", s.Budgets)
	for _, r := range s.Rules {
		l.put("sysadmin", "/v1/agencies/"+url.PathEscape(r.Agency)+"/rules/"+r.Form, r.Rule)
	}
	return l.err
}

// with adds the account a pool is bought through.
func (b body) with(a account) body {
	out := body{}
	for k, v := range b {
		out[k] = v
	}
	if a.body != nil {
		out["account"], out["secret"] = a.body, a.secret
	}
	out["simulated"] = a.simulated || a.body == nil
	return out
}

// people makes those who act for agencies, who load the rest, or those of suppliers, who must be there first.
func (s *scenario) people(l *loader, ofSuppliers bool) {
	for _, p := range s.People {
		if (p.Supplier != "") == ofSuppliers {
			l.person(p)
		}
	}
}

// loader makes calls until one fails.
type loader struct {
	ctx  context.Context
	cast *cast
	err  error
}

func (l *loader) do(login, method, path string, in, out any) {
	if l.err == nil {
		if err := l.cast.as(login).send(l.ctx, method, path, in, out); err != nil {
			l.err = fmt.Errorf("%s %s (%s): %w", method, path, login, err)
		}
	}
}

func (l *loader) post(login, path string, in any) { l.do(login, http.MethodPost, path, in, nil) }
func (l *loader) put(login, path string, in any)  { l.do(login, http.MethodPut, path, in, nil) }

func (l *loader) all(login, path string, rows []body) {
	for _, r := range rows {
		l.post(login, path, r)
	}
}

// person makes a user with its role and takes a token for it.
func (l *loader) person(p person) {
	at := "/v1/users/" + url.PathEscape(p.Login)
	grant := body{"role": p.Role}
	if p.Agency != "" {
		grant["agency"] = p.Agency
	} else {
		grant["supplier"] = p.Supplier
	}
	l.post("sysadmin", "/v1/users", body{"login": p.Login, "name": p.Name})
	l.put("secadmin", at+"/grants", grant)
	var token struct{ Secret string }
	l.do("secadmin", http.MethodPost, at+"/tokens", body{"label": "scenario", "hours": 24}, &token)
	l.cast.tokens[p.Login] = token.Secret
	l.cast.clients[p.Login] = newClient(l.cast.base, token.Secret, l.cast.lang)
}
