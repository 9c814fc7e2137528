package openstackfake

import (
	"encoding/json"
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func updateServer(c *call) (int, any, error) {
	var in struct {
		Server struct {
			Name        *string `json:"name"`
			Description *string `json:"description"`
			AccessIPv4  string  `json:"accessIPv4"`
			AccessIPv6  string  `json:"accessIPv6"`
			DiskConfig  string  `json:"OS-DCF:diskConfig"`
			Hostname    *string `json:"hostname"`
		} `json:"server"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.Server.Description != nil && c.minor < 19 {
		return 0, nil, unexpected("description")
	}
	s, err := simcloud.Edit(c.sim, c.owner, c.id(), func(s *simcloud.Server) error {
		s.Name, s.Description = orElse(in.Server.Name, s.Name), orElse(in.Server.Description, s.Description)
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"server": serverView(c, s)}, nil
}

// orElse is what a pointer points at, or a default.
func orElse[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}

func deleteServer(c *call) (int, any, error) {
	_, err := c.sim.DeleteServer(c.owner, c.id())
	return 204, nil, err
}

// actOnServer runs the one action that the body names.
func actOnServer(c *call) (int, any, error) {
	var in map[string]json.RawMessage
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if len(in) != 1 {
		return 0, nil, badRequest("There is no such action: %d given", len(in))
	}
	for name, body := range in {
		return act(c, name, body)
	}
	return 0, nil, nil
}

func act(c *call, name string, body json.RawMessage) (status int, answer any, err error) {
	status = 202
	switch name {
	case "os-start":
		_, err = c.sim.StartServer(c.owner, c.id())
	case "os-stop":
		_, err = c.sim.StopServer(c.owner, c.id())
	case "reboot":
		_, err = c.sim.RebootServer(c.owner, c.id())
	case "resize":
		err = resize(c, body)
	case "confirmResize":
		status = 204
		_, err = c.sim.ConfirmResize(c.owner, c.id())
	case "revertResize":
		_, err = c.sim.RevertResize(c.owner, c.id())
	case "forceDelete":
		_, err = c.sim.DeleteServer(c.owner, c.id())
	case "addSecurityGroup", "removeSecurityGroup":
		err = regroup(c, body, name == "addSecurityGroup")
	default:
		err = badRequest("There is no such action: %s", name)
	}
	return status, nil, actionError(c, name, err)
}

// actionError words the refusal of a state as Nova does.
func actionError(c *call, name string, err error) error {
	e := cause(err)
	if e.Reason != simcloud.Busy {
		return err
	}
	s, found := simcloud.Get[simcloud.Server](c.sim, c.owner, c.id())
	if found != nil {
		return err
	}
	_, vm, task := novaState(s)
	if task != nil {
		return refuse(409, "Cannot '%s' instance %s while it is in task_state %s", name, s.ID, task)
	}
	return refuse(409, "Cannot '%s' instance %s while it is in vm_state %s", name, s.ID, vm)
}

func resize(c *call, body json.RawMessage) error {
	var in struct {
		FlavorRef  json.RawMessage `json:"flavorRef"`
		DiskConfig string          `json:"OS-DCF:diskConfig"`
	}
	if err := strict(body, &in); err != nil {
		return err
	}
	var flavor string
	if err := json.Unmarshal(in.FlavorRef, &flavor); err != nil {
		return badRequest("Invalid input for field/attribute flavorRef.")
	}
	_, err := c.sim.ResizeServer(c.owner, c.id(), flavor)
	if e := cause(err); e.Reason == simcloud.Missing && e.Kind == simcloud.KindFlavor {
		return badRequest("Flavor %s could not be found.", flavor)
	}
	return err
}

// regroup gives every port of a server a security group more or less.
func regroup(c *call, body json.RawMessage, add bool) error {
	var in struct {
		Name string `json:"name"`
	}
	if err := strict(body, &in); err != nil {
		return err
	}
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, c.id())
	if err != nil {
		return err
	}
	id, err := c.groupID(in.Name)
	if err != nil {
		return refuse(404, "Security group %s not found.", in.Name)
	}
	for _, p := range s.PortIDs {
		_, err := c.sim.EditPort(c.owner, p, func(p *simcloud.Port) error {
			p.GroupIDs = toggle(p.GroupIDs, id, add)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// toggle returns a copy of l with or without x.
func toggle(l []string, x string, with bool) []string {
	out := make([]string, 0, len(l)+1)
	for _, s := range l {
		if s != x {
			out = append(out, s)
		}
	}
	if with {
		out = append(out, x)
	}
	return out
}

// novaAction is an event in Nova's words.
func novaAction(via simcloud.State) string {
	return map[simcloud.State]string{
		simcloud.Building: "create", simcloud.Stopping: "stop", simcloud.Starting: "start", simcloud.Restarting: "reboot",
		simcloud.Resizing: "resize", simcloud.Confirming: "confirmResize", simcloud.Reverting: "revertResize", simcloud.Deleting: "delete",
		simcloud.Attaching: "attach_volume", simcloud.Detaching: "detach_volume",
	}[via]
}

func actionView(c *call, s *simcloud.Server, e simcloud.Event) object {
	v := object{
		"action": novaAction(e.What), "instance_uuid": s.ID, "project_id": s.Tenant, "user_id": c.userID(), "message": nil,
		"start_time": when(e.At, micros), "request_id": "req-" + nameID(s.ID, string(e.What), e.At.String()),
	}
	if c.minor >= 58 {
		v["updated_at"] = when(e.At, micros)
	}
	return v
}

// listActions answers what was done to a server, newest first.
func listActions(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil {
		return 0, nil, err
	}
	out := []any{}
	for _, e := range slices.Backward(s.Events) {
		out = append(out, actionView(c, s, e))
	}
	return 200, object{"instanceActions": out}, nil
}

func showAction(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil {
		return 0, nil, err
	}
	for _, e := range s.Events {
		if v := actionView(c, s, e); v["request_id"] == c.r.PathValue("request") {
			v["events"] = []any{}
			return 200, object{"instanceAction": v}, nil
		}
	}
	return 0, nil, refuse(404, "Action for request_id %s on instance %s not found", c.r.PathValue("request"), s.ID)
}
