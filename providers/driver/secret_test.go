package driver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/duoyun/duoyun/providers/driver"
)

func TestASecretIsNeverPrintedWhateverHoldsIt(t *testing.T) {
	t.Parallel()
	type cloud struct{ account driver.Account }
	holder := &cloud{driver.Account{Secret: driver.NewSecret("hunter2")}}
	raw, err := json.Marshal(struct{ S driver.Secret }{holder.account.Secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{fmt.Sprint(holder.account.Secret), fmt.Sprintf("%v %+v %#v", holder, holder, holder),
		fmt.Sprintf("%v %+v %#v", *holder, *holder, holder.account), string(raw)} {
		if strings.Contains(said, "hunter2") {
			t.Errorf("told: %s", said)
		}
	}
	if holder.account.Secret.Reveal() != "hunter2" || (driver.Secret{}).Reveal() != "" {
		t.Error("a secret is not what it was")
	}
}
