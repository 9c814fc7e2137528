package openstack

import (
	"bytes"
	"errors"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// twice reads the refusal of a creation whose place is taken: a port, a router's subnet, a listener or a volume that is this unit's
// alone. What has it was made by the same request before it arrived a second time, so that this is no refusal of the unit:
// whether it was done is for a look to say.
func twice(err error) error {
	var answer gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &answer) {
		return err
	}
	body := bytes.ToLower(answer.Body)
	for _, words := range []string{"already", "in use", "in-use", "attaching", "reserved", "overlap"} {
		if bytes.Contains(body, []byte(words)) && Code(err) != driver.Quota {
			return table.Refuse(driver.InDoubt, err)
		}
	}
	return err
}
