package table

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Ports are the ports to open, each once and lowest first, so that plans are equal whatever the document's order.
func Ports(open []int) []int { return slices.Compact(slices.Sorted(slices.Values(open))) }

// Rules are the steps that open ports, one each.
func Rules(open []int) []driver.Step {
	var steps []driver.Step
	for _, p := range Ports(open) {
		steps = append(steps, driver.Step{Name: "rule:" + strconv.Itoa(p)})
	}
	return steps
}

// ServerChange reads the change of a server: its size and its power can change, nothing else.
func ServerChange(c driver.Change) (before, after duoyun.ServerSpec, resized bool, err error) {
	before, after = c.Before.(duoyun.ServerSpec), c.After.(duoyun.ServerSpec)
	if before.SystemDiskGiB != after.SystemDiskGiB || before.Image != after.Image || !slices.Equal(before.Ports, after.Ports) {
		return before, after, false, Impossible("spec", "云主机只能改 vCPU、内存和启停", "only vcpu, ram_gib and power of a server can be changed")
	}
	return before, after, before.VCPU != after.VCPU || before.RAMGiB != after.RAMGiB, nil
}

// ResizedOff is the plan of a change at a vendor that resizes servers only while they are off.
func ResizedOff(c driver.Change) ([]driver.Step, error) {
	before, after, resized, err := ServerChange(c)
	if err != nil {
		return nil, err
	}
	var steps []driver.Step
	if !before.Stopped && (resized || after.Stopped) {
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	}
	if resized {
		steps = append(steps, driver.Step{Name: "resize", Await: true})
	}
	if !after.Stopped && (resized || before.Stopped) {
		steps = append(steps, driver.Step{Name: "start", Await: true})
	}
	return steps, nil
}

// Password is a one-time login unless it is a public key.
func Password(login driver.Secret) string {
	if isKey(login.Reveal()) {
		return ""
	}
	return login.Reveal()
}

// AuthorizedKey is the cloud-init document that lets a public key in; nil for a login that is none. JSON is YAML, so that
// nothing in a key can break out of its value.
func AuthorizedKey(login driver.Secret) []byte {
	if !isKey(login.Reveal()) {
		return nil
	}
	quoted, err := json.Marshal(login.Reveal())
	if err != nil {
		return nil // a Go string always marshals
	}
	return fmt.Appendf(nil, "#cloud-config\nssh_authorized_keys: [%s]\n", quoted)
}

func isKey(login string) bool {
	return slices.ContainsFunc([]string{"ssh-", "ecdsa-", "sk-"}, func(kind string) bool { return strings.HasPrefix(login, kind) })
}
