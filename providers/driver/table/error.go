package table

import (
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// failure is an error whose code the driver knows without asking the vendor's answer.
type failure struct {
	code driver.Code
	err  error
}

func (f *failure) Error() string           { return f.err.Error() }
func (f *failure) Unwrap() error           { return f.err }
func (f *failure) DriverCode() driver.Code { return f.code }

// Refuse gives an error its code, where the driver itself says no or knows better than the answer does. The error is a
// driver.Coded, which a vendor's Code must take at its word.
func Refuse(code driver.Code, err error) error { return &failure{code, err} }

// Impossible says that a kind cannot make a change, or that a call lacks what it needs.
func Impossible(field, zh, en string, args ...any) error {
	return Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, field, zh, en, args...))
}

// Missing says that an earlier step left nothing to go on with.
func Missing(step string) error {
	return Refuse(driver.NotFound, duoyun.Fail(duoyun.CodeNotFound, step, "前一步骤 %s 的结果不存在", "what step %s made is not there", step))
}

// Codes is how a vendor's errors are classified: its driver's Code.
type Codes func(error) driver.Code

// Coded is for errors that leave without the Cloud that could classify them.
func Coded(code Codes, err error) error { return &failure{code(err), err} }

// Unsent marks an error of what comes before a mutation (a token, a list of sizes): whatever it was, nothing was done.
func Unsent(code Codes, err error) error {
	if err == nil {
		return nil
	}
	c := code(err)
	if c == driver.InDoubt {
		c = driver.Unavailable
	}
	return &failure{c, err}
}

// Ignoring makes an error of one of these codes no error: a delete of what is gone, an attachment that is there.
func Ignoring(code Codes, err error, codes ...driver.Code) error {
	if err != nil && slices.Contains(codes, code(err)) {
		return nil
	}
	return err
}

// Effect turns one reading of a known object into evidence: gone is what its absence means for the step.
func Effect(code Codes, err error, gone driver.EvidenceState, read func() (state driver.EvidenceState, id, detail string)) (driver.Evidence, error) {
	ev := driver.Evidence{Complete: true, SentinelSeen: true}
	if err != nil {
		ev.State = gone
		return ev, Ignoring(code, err, driver.NotFound)
	}
	ev.State, ev.ID, ev.Detail = read()
	return ev, nil
}
