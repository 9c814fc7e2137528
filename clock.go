package duoyun

import "time"

// Civil is the zone of business days and months: Asia/Shanghai, which has had no daylight saving since 1991. A fixed
// zone needs no zone database, so that every binary agrees.
var Civil = time.FixedZone("Asia/Shanghai", 8*3600)

// Clock tells the time. Real clocks run leases, timeouts, tokens and sessions; the business clock dates orders, usage
// and statements and may be advanced.
type Clock func() time.Time

// Date is a civil day in Asia/Shanghai, written 2026-12-01.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the civil day of t.
func DateOf(t time.Time) Date {
	y, m, d := t.In(Civil).Date()
	return Date{y, m, d}
}

// ParseDate reads 2006-01-02.
func ParseDate(s string) (Date, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, Civil)
	if err != nil {
		return Date{}, Fail(CodeInvalid, "", "日期应为 YYYY-MM-DD，收到 %q", "a date is YYYY-MM-DD, not %q", s)
	}
	return DateOf(t), nil
}

// Time returns the first instant of the day.
func (d Date) Time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, Civil) }

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.Time().AddDate(0, 0, n)) }

// AddMonths returns the same day n months later, or the last day of that month where it is shorter.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, Civil)
	return Date{first.Year(), first.Month(), min(d.Day, DaysIn(first.Year(), first.Month()))}
}

// Before reports whether d is an earlier day than o.
func (d Date) Before(o Date) bool { return d.Time().Before(o.Time()) }

// DaysUntil counts the days from d to o, o excluded.
func (d Date) DaysUntil(o Date) int { return int(o.Time().Sub(d.Time()) / (24 * time.Hour)) }

// IsZero reports whether d was never set.
func (d Date) IsZero() bool { return d == Date{} }

func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText writes the day as 2026-12-01.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 2026-12-01; empty is the zero day.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d = Date{}
	if len(b) > 0 {
		*d, err = ParseDate(string(b))
	}
	return err
}

// DaysIn returns the number of days of a month.
func DaysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, Civil).Day()
}

// Month is a civil month, the billing period, written 2026-10.
type Month struct {
	Year  int
	Month time.Month
}

// MonthOf returns the civil month of t.
func MonthOf(t time.Time) Month { d := DateOf(t); return Month{d.Year, d.Month} }

// ParseMonth reads 2006-01.
func ParseMonth(s string) (Month, error) {
	t, err := time.ParseInLocation("2006-01", s, Civil)
	if err != nil {
		return Month{}, Fail(CodeInvalid, "month", "月份应为 YYYY-MM，收到 %q", "a month is YYYY-MM, not %q", s)
	}
	return MonthOf(t), nil
}

// Start returns the first instant of the month; End the first instant after it: a half-open period.
func (m Month) Start() time.Time { return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, Civil) }

// End returns the first instant after the month.
func (m Month) End() time.Time { return time.Date(m.Year, m.Month+1, 1, 0, 0, 0, 0, Civil) }

// Days returns the number of days of the month.
func (m Month) Days() int { return DaysIn(m.Year, m.Month) }

// Begun refuses a month after that of now, of which there is nothing to tell yet.
func (m Month) Begun(now time.Time) error {
	present := MonthOf(now)
	if !present.Start().Before(m.Start()) {
		return nil
	}
	var f Faults
	f.Add("month", m.String(), "月份不能晚于本月（"+present.String()+"）", "the month may not be after the present one ("+present.String()+")")
	return f.Err()
}

func (m Month) String() string { return m.Start().Format("2006-01") }
