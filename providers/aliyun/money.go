package aliyun

import (
	"errors"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
)

var errNoMoney = errors.New("the answer holds no readable amount")

// amount reads money exactly: Java writes small doubles with an exponent.
func amount(n word) (duoyun.Amount, error) {
	text := strings.ReplaceAll(string(n), ",", "") // BssOpenApi writes thousands apart
	if text == "" {
		return duoyun.Amount{}, nil
	}
	base, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	a, err := duoyun.ParseAmount(base)
	if err != nil || !scientific {
		return a, err
	}
	power, err := strconv.ParseInt(exponent, 10, 8)
	if err != nil || power < -18 || power > 18 {
		return duoyun.Amount{}, errNoMoney
	}
	for ; power > 0; power-- {
		a = a.Times(10)
	}
	for ; power < 0; power++ {
		a = a.Over(10)
	}
	return a, nil
}
