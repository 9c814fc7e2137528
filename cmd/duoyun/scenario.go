package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.yaml.in/yaml/v4"
)

// scenario is a city to load and a story to play in it. Bodies are the API's own request bodies, so that what a
// scenario may say is what the API takes.
type scenario struct {
	Root struct {
		Code, Name, Short string
	}
	Departments []body
	Systems     []body
	People      []person
	Projects    []body
	Rules       []struct {
		Agency, Form string
		Rule         body
	}
	Suppliers []body
	Pools     []scenePool
	Contracts []body
	Quotas    []struct {
		Agency string
		Limits map[string]int64
	}
	Budgets []body
	Story   story
	files   fs.FS
}

type body map[string]any

// person is a user with one role.
type person struct {
	Login, Name, Role, Agency, Supplier string
}

// story is what happens: the orders with their decisions, a delivery day, a month to settle, an outage in it.
type story struct {
	Start   time.Time
	Orders  []chapter
	Confirm time.Time
	Month   string
	Outage  struct {
		Pool       string
		Start, End time.Time
	}
}

// scenePool is a pool and the account it is bought from; "": people's work.
type scenePool struct {
	Cloud string
	Pool  body
}

func (p scenePool) driver() string { return fmt.Sprint(p.Pool["driver"]) }

// chapter is one order: its document, whose people act, what the reviewer cuts, and which pool procurement confirms for
// the component of a line, where it is not the first candidate.
type chapter struct {
	File   string
	Who    string // agency's short code: logins begin with it
	Cuts   []body
	Choose map[string]struct{ Pool, Reason string }
}

// extend adds a file's suppliers, pools, contracts and order to the scenario.
func (s *scenario) extend(name string) error {
	var more struct {
		Suppliers []body
		Pools     []scenePool
		Contracts []body
		Chapter   chapter
	}
	raw, err := fs.ReadFile(s.files, name)
	if err == nil {
		err = yaml.Unmarshal(raw, &more)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.Suppliers, s.Pools, s.Contracts = append(s.Suppliers, more.Suppliers...), append(s.Pools, more.Pools...), append(s.Contracts, more.Contracts...)
	s.Story.Orders = append(s.Story.Orders, more.Chapter)
	return nil
}

// readScenario reads a scenario's files; an unknown key is an error.
func readScenario(files fs.FS) (*scenario, error) {
	s := &scenario{files: files}
	var errs []error
	for name, into := range map[string]any{"agencies.yaml": s, "systems.yaml": s, "people.yaml": s, "supply.yaml": s, "money.yaml": s, "story.yaml": &s.Story} {
		raw, err := fs.ReadFile(files, name)
		if err == nil {
			err = yaml.Unmarshal(raw, into)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return s, errors.Join(errs...)
}
