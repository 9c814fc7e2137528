package tencentfake

import (
	"crypto/hmac"
	"crypto/sha1" // what COS signs with
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// bucketOf is the bucket in a Host header such as name-1250000001.cos.ap-nanjing.myqcloud.com, or "".
func bucketOf(host string) string {
	label, _, _ := strings.Cut(host, ".")
	if name, ours := strings.CutSuffix(label, "-"+AppID); ours {
		return name
	}
	return ""
}

// cosError is COS's way to refuse.
type cosError struct {
	XMLName xml.Name `xml:"Error"`
	status  int
	Code    string
	Message string
}

func (e *cosError) Error() string { return e.Code }

func (e *cosError) writeTo(w http.ResponseWriter) {
	raw, err := xml.Marshal(e)
	if err != nil {
		raw = nil // three strings always marshal
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.status)
	w.Write(raw) // the caller has gone
}

// sayCOS words a fault as COS does; that there is no room for a bucket it documents no words for, and takes API 3.0's.
func sayCOS(w http.ResponseWriter, status int) bool {
	e, known := map[int]*cosError{http.StatusTooManyRequests: {status: http.StatusServiceUnavailable, Code: "SlowDown"}, http.StatusForbidden: {status: http.StatusForbidden, Code: "AccessDenied"},
		http.StatusConflict: {status: http.StatusConflict, Code: "ResourceInsufficient"}}[status]
	if known {
		e.writeTo(w)
	}
	return known
}

// verify recomputes a signature by COS's documented steps (document 436/7778).
func verify(r *http.Request) error {
	q := map[string]string{}
	for part := range strings.SplitSeq(r.Header.Get("Authorization"), "&") {
		name, value, _ := strings.Cut(part, "=")
		q[name] = value
	}
	from, until, _ := strings.Cut(q["q-sign-time"], ";")
	begin, err1 := strconv.ParseInt(from, 10, 64)
	end, err2 := strconv.ParseInt(until, 10, 64)
	now := time.Now().Unix()
	switch {
	case errors.Join(err1, err2) != nil || q["q-sign-algorithm"] != "sha1":
		return &cosError{status: 403, Code: "AccessDenied", Message: "Access Denied."}
	case q["q-ak"] != SecretID:
		return &cosError{status: 403, Code: "InvalidAccessKeyId", Message: "The Access Key Id you provided does not exist in our records"}
	case now < begin-300 || now > end:
		return &cosError{status: 403, Code: "RequestTimeTooSkewed", Message: "The request is not within its time."}
	}
	headers := list(q["q-header-list"])
	if !slices.Contains(headers, "host") {
		return &cosError{status: 403, Code: "SignatureDoesNotMatch", Message: "host is not signed"}
	}
	header := func(name string) string {
		if name == "host" {
			return r.Host
		}
		return r.Header.Get(name)
	}
	text := strings.ToLower(r.Method) + "\n/\n" + pairs(list(q["q-url-param-list"]), r.URL.Query().Get) + "\n" + pairs(headers, header) + "\n"
	sum := sha1.Sum([]byte(text))
	toSign := "sha1\n" + q["q-key-time"] + "\n" + hex.EncodeToString(sum[:]) + "\n"
	if want := mac(mac(SecretKey, q["q-key-time"]), toSign); !hmac.Equal([]byte(want), []byte(q["q-signature"])) {
		return &cosError{status: 403, Code: "SignatureDoesNotMatch", Message: "The Signature you specified is invalid."}
	}
	return nil
}

func mac(key, text string) string {
	h := hmac.New(sha1.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}

func pairs(names []string, value func(string) string) string {
	var out []string
	for _, n := range names {
		out = append(out, n+"="+strings.ReplaceAll(url.QueryEscape(value(n)), "+", "%20"))
	}
	return strings.Join(out, "&")
}

// serveBuckets serves what COS has of buckets themselves; objects are not served.
func (f *Fake) serveBuckets(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("X-Cos-Request-Id", requestID())
	answer, status, err := f.bucket(r, body)
	var refused *cosError
	switch {
	case errors.As(err, &refused):
		refused.writeTo(w)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case answer == nil:
		w.WriteHeader(status)
	default:
		raw, err := xml.Marshal(answer)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		w.Write(raw) // the caller has gone
	}
}

// cosTags are a bucket's tags.
type cosTags struct {
	XMLName xml.Name `xml:"Tagging"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

func (f *Fake) bucket(r *http.Request, body []byte) (answer any, status int, err error) {
	if err := verify(r); err != nil {
		return nil, 0, err
	}
	name, owner := bucketOf(r.Host), f.Owner()
	if name == "" {
		return f.buckets(owner, r.URL.Query())
	}
	_, tagging := r.URL.Query()["tagging"]
	switch {
	case r.Method == http.MethodPut && !tagging:
		return nil, http.StatusOK, f.putBucket(owner, name, r.Header.Get("X-Cos-Tagging"))
	case r.Method == http.MethodDelete && !tagging:
		return nil, http.StatusNoContent, bucketWords(f.sim.DeleteBucket(owner, name))
	case r.Method == http.MethodPut:
		var in cosTags
		if err := xml.Unmarshal(body, &in); err != nil {
			return nil, 0, &cosError{status: 400, Code: "MalformedXML", Message: err.Error()}
		}
		_, err := simcloud.Edit(f.sim, owner, simcloud.BucketID(owner, name), func(b *simcloud.Bucket) error { b.Meta = meta(in.Tags); return nil })
		return nil, http.StatusNoContent, bucketWords(err)
	case r.Method == http.MethodGet && tagging:
		b, err := simcloud.Get[simcloud.Bucket](f.sim, owner, simcloud.BucketID(owner, name))
		if err != nil {
			return nil, 0, bucketWords(err)
		}
		if len(b.Meta) == 0 {
			return nil, 0, &cosError{status: 404, Code: "NoSuchTagSet", Message: "The TagSet does not exist"}
		}
		out := cosTags{}
		for _, k := range sorted(b.Meta) {
			out.Tags = append(out.Tags, tag{k, b.Meta[k]})
		}
		return out, http.StatusOK, nil
	}
	return nil, 0, &cosError{status: 405, Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource."}
}

func bucketWords(err error) error {
	var e *simcloud.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Reason {
	case simcloud.Missing:
		return &cosError{status: 404, Code: "NoSuchBucket", Message: "The specified bucket does not exist."}
	case simcloud.InUse:
		return &cosError{status: 409, Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty."}
	case simcloud.Exceeded:
		return &cosError{status: 400, Code: "TooManyBuckets", Message: "You have attempted to create more buckets than allowed."}
	}
	return &cosError{status: 400, Code: "InvalidArgument", Message: e.Error()}
}

func (f *Fake) putBucket(owner simcloud.Owner, name, tagging string) error {
	if len(name)+1+len(AppID) > 60 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return &cosError{status: 400, Code: "InvalidBucketName", Message: "The specified bucket is not valid."}
	}
	query, err := url.ParseQuery(tagging)
	if err != nil {
		return &cosError{status: 400, Code: "InvalidTag", Message: err.Error()}
	}
	_, made, err := f.sim.PutBucket(owner, name, func(b *simcloud.Bucket) {
		if b.Meta != nil {
			return // it is there: nothing of it changes
		}
		b.Meta = map[string]string{}
		for k := range query {
			b.Meta[k] = query.Get(k)
		}
	})
	if err == nil && !made {
		return &cosError{status: 409, Code: "BucketAlreadyOwnedByYou", Message: "Your previous request to create the named bucket succeeded and you already own it."}
	}
	return bucketWords(err)
}

// owned is an entry of the service's listing.
type owned struct {
	Name         string
	Location     string
	CreationDate string
}

// buckets lists by name.
func (f *Fake) buckets(owner simcloud.Owner, q url.Values) (any, int, error) {
	all, err := simcloud.List[simcloud.Bucket](f.sim, simcloud.Query{Owner: owner, Own: true}, nil)
	if err != nil {
		return nil, 0, bucketWords(err)
	}
	slices.SortFunc(all, func(a, b *simcloud.Bucket) int { return strings.Compare(a.Name, b.Name) })
	limit, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil {
		limit = maxLimit
	}
	out := struct {
		XMLName     xml.Name `xml:"ListAllMyBucketsResult"`
		Buckets     []owned  `xml:"Buckets>Bucket"`
		IsTruncated bool
		NextMarker  string `xml:",omitempty"`
	}{}
	for _, b := range all {
		full := b.Name + "-" + AppID
		if full <= q.Get("marker") {
			continue
		}
		if len(out.Buckets) == min(limit, f.options.MaxPage) {
			out.IsTruncated, out.NextMarker = true, out.Buckets[len(out.Buckets)-1].Name
			break
		}
		out.Buckets = append(out.Buckets, owned{full, owner.Region, b.Created.UTC().Format(time.RFC3339)})
	}
	return out, http.StatusOK, nil
}
