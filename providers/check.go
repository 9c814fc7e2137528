package providers

import (
	"errors"
	"fmt"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// checkChange refuses what no driver may be asked: a change without the mark that lets us find it again, or whose
// specs do not fit its operation. Whether a spec is within its bounds was the order document's matter.
func checkChange(ch driver.Change) error {
	if !duoyun.IsMark(ch.Mark) {
		return fmt.Errorf("the mark %q is not one of ours", ch.Mark)
	}
	if (ch.Before == nil) != (ch.Op == duoyun.OpCreate) || (ch.After == nil) != (ch.Op == duoyun.OpDelete) {
		return fmt.Errorf("a %s has the wrong specs", ch.Op)
	}
	for _, s := range []duoyun.Spec{ch.Before, ch.After} {
		if s != nil && s.Kind() != ch.Kind {
			return fmt.Errorf("a spec is of kind %s, the change of kind %s", s.Kind(), ch.Kind)
		}
	}
	return nil
}

// checkSteps holds a driver to its contract: steps have distinct names, and a creation has one main step.
func checkSteps(ch driver.Change, steps []driver.Step) error {
	seen, mains := map[string]bool{}, 0
	for _, s := range steps {
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("the plan's step %q is nameless or twice there", s.Name)
		}
		seen[s.Name] = true
		if s.Main {
			mains++
		}
	}
	if ch.Op == duoyun.OpCreate && mains != 1 {
		return fmt.Errorf("the plan of a creation has %d main steps", mains)
	}
	return nil
}

// checkReply refuses a success that names neither the thing nor an order for it.
func checkReply(step driver.Step, call driver.Call, r driver.Reply) error {
	if call.Op == duoyun.OpCreate && step.Main && r.ID == "" && r.OrderID == "" {
		return errors.New("the reply names neither a resource nor an order")
	}
	if len(r.ID) > 512 || len(r.OrderID) > 512 {
		return errors.New("the reply's id is longer than any id")
	}
	return nil
}

func known(s driver.EvidenceState) bool {
	switch s {
	case driver.Absent, driver.Pending, driver.Done, driver.Broken, driver.Conflict:
		return true
	}
	return false
}
