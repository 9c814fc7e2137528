package duoyun

import (
	"database/sql/driver"
	"math/big"
	"strconv"
	"strings"

	"github.com/quagmt/udecimal"
)

// Fen is an amount of money in 1/100 yuan: what statements, holds and budgets are kept in. Users never see fen; they
// see String, in yuan.
type Fen int64

// ParseFen reads yuan such as "7200.00" with at most two decimals; more decimals, signs of thousands and exponents are
// refused.
func ParseFen(s string) (Fen, error) {
	whole, frac, _ := strings.Cut(s, ".")
	digits := strings.TrimPrefix(whole, "-")
	ok := len(digits) > 0 && len(digits) <= 15 && len(frac) <= 2 && strings.Trim(digits+frac, "0123456789") == "" && !strings.HasSuffix(s, ".")
	if !ok {
		return 0, Fail(CodeInvalid, "", "金额应为元，最多两位小数，如 \"7200.00\"，收到 %q", "money is yuan with at most two decimals, such as \"7200.00\", not %q", s)
	}
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	return Fen(n), err
}

// String writes the amount in yuan with two decimals.
func (f Fen) String() string {
	sign, n := "", uint64(f)
	if f < 0 {
		sign, n = "-", -uint64(f)
	}
	frac := n % 100
	return sign + strconv.FormatUint(n/100, 10) + "." + string([]byte{byte('0' + frac/10), byte('0' + frac%10)})
}

// MarshalText writes yuan, so that JSON carries money as a string.
func (f Fen) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads yuan.
func (f *Fen) UnmarshalText(b []byte) (err error) { *f, err = ParseFen(string(b)); return err }

// Amount returns f exactly.
func (f Fen) Amount() Amount { return Amount{big.NewRat(int64(f), 100)} }

// PricePlaces is the most decimals a price may have; the decimal library is exact well beyond it.
const PricePlaces = 12

// Price is yuan per unit of a price item: a decimal, never negative, with at most PricePlaces decimals.
type Price struct{ d udecimal.Decimal }

// ParsePrice reads a price; more than PricePlaces decimals are refused, never cut.
func ParsePrice(s string) (Price, error) {
	_, frac, _ := strings.Cut(s, ".")
	d, err := udecimal.Parse(s)
	if err != nil || len(frac) > PricePlaces || d.IsNeg() || len(s) > 28 {
		return Price{}, Fail(CodeInvalid, "", "单价应为不超过 12 位小数的非负数，收到 %q", "a price is a non-negative decimal of at most 12 places, not %q", s)
	}
	return Price{d}, nil
}

// MustPrice is ParsePrice for constants in tests and tables; it panics on bad input.
func MustPrice(s string) Price {
	p, err := ParsePrice(s)
	if err != nil {
		panic(err)
	}
	return p
}

func (p Price) String() string { return p.d.String() }

// Cmp compares two prices: -1, 0 or 1.
func (p Price) Cmp(o Price) int { return p.d.Cmp(o.d) }

// IsZero reports whether the price is nought.
func (p Price) IsZero() bool { return p.d.IsZero() }

// Amount returns the price exactly.
func (p Price) Amount() Amount {
	r, ok := new(big.Rat).SetString(p.d.String())
	if !ok {
		panic("price is not a number: " + p.d.String())
	}
	return Amount{r}
}

// Times returns price × quantity, exactly.
func (p Price) Times(quantity int64) Amount { return p.Amount().Times(quantity) }

// MarshalText writes the decimal.
func (p Price) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the decimal.
func (p *Price) UnmarshalText(b []byte) (err error) { *p, err = ParsePrice(string(b)); return err }

// Value stores the decimal as text.
func (p Price) Value() (driver.Value, error) { return p.String(), nil }

// Scan reads the decimal from text.
func (p *Price) Scan(src any) (err error) {
	switch v := src.(type) {
	case string:
		*p, err = ParsePrice(v)
	case []byte:
		*p, err = ParsePrice(string(v))
	default:
		err = Fail(CodeInternal, "", "单价列类型不符 %T", "price column holds %T", src)
	}
	return err
}

// Amount is an exact sum of money in yuan, as rated lines and vendor lines have it: a rational number, so that a
// division by 31 days loses nothing. It becomes Fen once, at the statement line group. The zero value is nought.
type Amount struct{ r *big.Rat }

func (a Amount) rat() *big.Rat {
	if a.r == nil {
		return new(big.Rat)
	}
	return a.r
}

// ParseAmount reads what MarshalText wrote: a decimal or num/den.
func ParseAmount(s string) (Amount, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > 200 || strings.ContainsAny(s, "eEpPxX_") {
		return Amount{}, Fail(CodeInvalid, "", "金额不是数字：%q", "not an amount: %q", s)
	}
	return Amount{r}, nil
}

// Plus returns a + b.
func (a Amount) Plus(b Amount) Amount { return Amount{new(big.Rat).Add(a.rat(), b.rat())} }

// Minus returns a − b.
func (a Amount) Minus(b Amount) Amount { return Amount{new(big.Rat).Sub(a.rat(), b.rat())} }

// Times returns a × n.
func (a Amount) Times(n int64) Amount {
	return Amount{new(big.Rat).Mul(a.rat(), new(big.Rat).SetInt64(n))}
}

// Over returns a ÷ n; n must not be 0.
func (a Amount) Over(n int64) Amount {
	return Amount{new(big.Rat).Quo(a.rat(), new(big.Rat).SetInt64(n))}
}

// Share returns a × num ÷ den with one division; den must not be 0.
func (a Amount) Share(num, den int64) Amount {
	return Amount{new(big.Rat).Mul(a.rat(), big.NewRat(num, den))}
}

// Scaled returns a × num ÷ den with one division; den must not be nought.
func (a Amount) Scaled(num, den Amount) Amount {
	r := new(big.Rat).Mul(a.rat(), num.rat())
	return Amount{r.Quo(r, den.rat())}
}

// Cmp compares two amounts: -1, 0 or 1.
func (a Amount) Cmp(b Amount) int { return a.rat().Cmp(b.rat()) }

// Sign is -1, 0 or 1.
func (a Amount) Sign() int { return a.rat().Sign() }

// HalfUp rounds to fen, halves away from nought: the rule of statements unless a contract says otherwise.
func (a Amount) HalfUp() Fen {
	num := new(big.Int).Mul(a.rat().Num(), big.NewInt(200))
	den := new(big.Int).Mul(a.rat().Denom(), big.NewInt(2))
	half := a.rat().Denom()
	if num.Sign() < 0 {
		num.Sub(num, half)
	} else {
		num.Add(num, half)
	}
	return Fen(num.Quo(num, den).Int64())
}

// Floor rounds down to fen, towards minus infinity; the largest-remainder spread starts from it.
func (a Amount) Floor() Fen {
	num := new(big.Int).Mul(a.rat().Num(), big.NewInt(100))
	q, m := new(big.Int).DivMod(num, a.rat().Denom(), new(big.Int))
	_ = m
	return Fen(q.Int64())
}

// String writes the amount with up to 12 decimals, half away from nought beyond; MarshalText is the exact form.
func (a Amount) String() string {
	s := a.rat().FloatString(PricePlaces)
	s = strings.TrimRight(s, "0")
	return strings.TrimSuffix(s, ".")
}

// MarshalText writes the exact amount: a decimal where it ends, num/den otherwise.
func (a Amount) MarshalText() ([]byte, error) {
	if n, exact := a.rat().FloatPrec(); exact {
		return []byte(a.rat().FloatString(n)), nil
	}
	return []byte(a.rat().RatString()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (a *Amount) UnmarshalText(b []byte) (err error) { *a, err = ParseAmount(string(b)); return err }
