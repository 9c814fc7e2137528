package awsfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// algorithm begins the Authorization of Signature Version 4.
const algorithm = "AWS4-HMAC-SHA256"

// window is how far a request's time may be from the service's clock: 5 minutes, with S3 15
// (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html).
func window(service string) time.Duration {
	if service == "s3" {
		return 15 * time.Minute
	}
	return 5 * time.Minute
}

// maxBody is more than any request of a driver.
const maxBody = 1 << 20

type originalKey struct{}

// scope is what a signature is for.
type scope struct{ key, date, region, service string }

func (s scope) String() string { return s.date + "/" + s.region + "/" + s.service + "/aws4_request" }

// original is a call as it came.
type original struct {
	method, host, path, query string
	header                    http.Header
	body                      []byte
	in                        url.Values // of a Query call
	scope                     scope
	signed                    []string
	signature                 string
	length                    int64
}

// told reads a call and its Authorization.
func told(r *http.Request) (*original, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	o := &original{method: r.Method, host: r.Host, path: r.URL.EscapedPath(), query: r.URL.RawQuery, header: r.Header.Clone(), body: body, length: r.ContentLength, in: url.Values{}}
	for _, part := range strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), algorithm+" "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			if at := strings.Split(value, "/"); len(at) == 5 && at[4] == "aws4_request" {
				o.scope = scope{at[0], at[1], at[2], at[3]}
			}
		case "SignedHeaders":
			o.signed = strings.Split(value, ";")
		case "Signature":
			o.signature = value
		}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		o.in, err = url.ParseQuery(string(body))
	}
	return o, err
}

// action is what a call asks for.
func (o *original) action() string {
	if target := o.header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndex(target, ".")+1:]
	}
	return o.in.Get("Action")
}

// seen is the call as the fault layer can tell it from others.
func (o *original) seen(r *http.Request) *http.Request {
	seen := r.Clone(context.WithValue(r.Context(), originalKey{}, o))
	seen.Body = io.NopCloser(bytes.NewReader(o.body))
	if o.scope.service == "s3" {
		return seen
	}
	shown := url.Values{}
	for name, values := range o.in {
		shown[name] = values
	}
	seen.URL = &url.URL{Path: "/" + o.scope.service + "/" + o.action(), RawQuery: shown.Encode()}
	if seen.Method = http.MethodPost; reads(o.action()) {
		seen.Method = http.MethodGet
	}
	return seen
}

func reads(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List")
}

// authentic checks key, signature and time, in this order.
func (o *original) authentic() error {
	at, err := time.Parse("20060102T150405Z", o.header.Get("X-Amz-Date"))
	switch {
	case o.scope.service == "":
		return refuse(http.StatusForbidden, "MissingAuthenticationToken", "Missing Authentication Token")
	case o.scope.key != AccessKey:
		return refuse(http.StatusForbidden, map[string]string{"ec2": "AuthFailure", "s3": "InvalidAccessKeyId"}[o.scope.service]+
			either(o.scope.service == "ec2" || o.scope.service == "s3", "", "InvalidClientTokenId"), "The security token included in the request is invalid.")
	case err != nil || !slices.Contains(o.signed, "host") || !slices.Contains(o.signed, "x-amz-date") || o.scope.date != at.Format("20060102"):
		return refuse(http.StatusForbidden, "IncompleteSignature", "The request signature does not conform to AWS standards.")
	case !hmac.Equal([]byte(o.sign(Secret)), []byte(o.signature)):
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	case time.Since(at).Abs() > window(o.scope.service):
		return refuse(http.StatusForbidden, map[string]string{"ec2": "RequestExpired", "s3": "RequestTimeTooSkewed"}[o.scope.service]+
			either(o.scope.service == "ec2" || o.scope.service == "s3", "", "SignatureDoesNotMatch"), "The request is too old.")
	}
	return nil
}

// Sign is the signature that a request with this Authorization should bear.
func Sign(r *http.Request, secret string) (string, error) {
	o, err := told(r)
	if err != nil {
		return "", err
	}
	return o.sign(secret), nil
}

// sign computes Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html): the hash of the
// canonical request under a key derived from the secret, the date, the region and the service.
func (o *original) sign(secret string) string {
	var headers strings.Builder
	for _, name := range o.signed {
		value := strings.Join(o.header.Values(name), ",")
		switch name {
		case "host":
			value = o.host
		case "content-length":
			value = strconv.FormatInt(o.length, 10)
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	path := o.path
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{o.method, path, sorted(o.query), headers.String(), strings.Join(o.signed, ";"), hash(o.body)}, "\n")
	text := strings.Join([]string{algorithm, o.header.Get("X-Amz-Date"), o.scope.String(), hash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(o.scope.String(), "/"), text) {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, part) // a hash never fails
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// sorted is a query in canonical form: sorted by name, every name with its "=".
func sorted(query string) string {
	if query == "" {
		return ""
	}
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		if !strings.Contains(p, "=") {
			pairs[i] = p + "="
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// either is a when the condition holds.
func either(condition bool, a, b string) string {
	if condition {
		return a
	}
	return b
}
