package main

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/duoyun/duoyun"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitFailed      = 1 // anything else
	exitInvalid     = 2 // the input or the command line is wrong
	exitForbidden   = 3 // no valid token, or the role may not
	exitNotFound    = 4
	exitConflict    = 5 // the state has moved on, or something is short
	exitUnavailable = 6 // the server cannot be reached, or asks to come back
	exitUnfinished  = 7 // --watch ended with an order that was not delivered
)

// exitError carries an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func exitCode(err error) int {
	var own *exitError
	var p *problem
	var u *url.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &p):
		return exitOfStatus(p.Status)
	case errors.As(err, &u):
		return exitUnavailable
	case duoyun.CodeOf(err) == duoyun.CodeInvalid:
		return exitInvalid
	}
	return exitFailed
}

func exitOfStatus(status int) int {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return exitInvalid
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitForbidden
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusConflict:
		return exitConflict
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusTooManyRequests:
		return exitUnavailable
	}
	return exitFailed
}
