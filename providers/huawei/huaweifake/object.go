package huaweifake

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the signature OBS documents
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// objects is OBS in path style: /bucket with subresources; it answers in XML.
func (f *Fake) objects(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Obs-Request-Id", randomID())
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the caller has gone
	}
	bucket := strings.Trim(r.URL.Path, "/")
	if code := obsVerify(r, bucket, time.Now()); code != "" {
		obsFail(w, http.StatusForbidden, code)
		return
	}
	_, quota := r.URL.Query()["quota"]
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		f.listBuckets(w)
	case strings.Contains(bucket, "/"):
		obsFail(w, http.StatusNotImplemented, "NotImplemented")
	case r.Method == http.MethodPut && quota:
		f.setQuota(w, bucket, body)
	case r.Method == http.MethodPut:
		f.putBucket(w, r, bucket, body)
	case r.Method == http.MethodGet && quota:
		f.showBucket(w, bucket, func(b *simcloud.Bucket) string {
			return "<Quota><StorageQuota>" + b.Meta["quota"] + "</StorageQuota></Quota>"
		})
	case r.Method == http.MethodHead:
		f.showBucket(w, bucket, func(*simcloud.Bucket) string { return "" })
	case r.Method == http.MethodDelete:
		f.deleteBucket(w, bucket)
	default:
		obsFail(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

// obsVerify checks the signature in the header (api-obs): HMAC-SHA1 of method, MD5, type, date, x-obs headers, resource.
func obsVerify(r *http.Request, bucket string, now time.Time) (code string) {
	ak, signature, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "OBS "), ":")
	if ak != AccessKey {
		return "InvalidAccessKeyId"
	}
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil || now.Sub(date).Abs() > 15*time.Minute {
		return "RequestTimeTooSkewed"
	}
	var headers []string
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-obs-") {
			headers = append(headers, lower+":"+strings.Join(r.Header[name], ",")+"\n")
		}
	}
	slices.Sort(headers)
	resource := "/"
	if bucket != "" {
		resource += bucket + "/"
	}
	if r.URL.RawQuery != "" {
		resource += "?" + r.URL.RawQuery
	}
	text := strings.Join([]string{r.Method, r.Header.Get("Content-Md5"), r.Header.Get("Content-Type"), r.Header.Get("Date"), strings.Join(headers, "") + resource}, "\n")
	h := hmac.New(sha1.New, []byte(SecretKey))
	h.Write([]byte(text))
	if signature != base64.StdEncoding.EncodeToString(h.Sum(nil)) {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func obsFail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code) // the caller has gone
}

func obsAnswer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, body) // the caller has gone
}

func (f *Fake) bucket(name string) (*simcloud.Bucket, error) {
	return simcloud.Get[simcloud.Bucket](f.sim, f.Owner(), simcloud.BucketID(f.Owner(), name))
}

func (f *Fake) putBucket(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	var in struct {
		XMLName  xml.Name `xml:"CreateBucketConfiguration"`
		Location string
	}
	legal := len(name) >= 3 && len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
	class := r.Header.Get("X-Obs-Storage-Class")
	if xml.Unmarshal(body, &in) != nil || in.Location != f.Owner().Region || !legal || !slices.Contains([]string{"", "STANDARD", "WARM", "COLD"}, class) {
		obsFail(w, http.StatusBadRequest, "InvalidBucketName")
		return
	}
	if _, err := f.bucket(name); err == nil {
		obsFail(w, http.StatusConflict, "BucketAlreadyOwnedByYou")
		return
	}
	_, _, err := f.sim.PutBucket(f.Owner(), name, func(b *simcloud.Bucket) { b.Meta = map[string]string{"class": class, "quota": "0"} })
	if err != nil {
		obsFail(w, http.StatusBadRequest, "TooManyBuckets")
	}
}

func (f *Fake) setQuota(w http.ResponseWriter, name string, body []byte) {
	var in struct {
		XMLName xml.Name `xml:"Quota"`
		Bytes   *int64   `xml:"StorageQuota"`
	}
	if xml.Unmarshal(body, &in) != nil || in.Bytes == nil || *in.Bytes < 0 {
		obsFail(w, http.StatusBadRequest, "MalformedQuotaError")
		return
	}
	b, err := f.bucket(name)
	if err != nil {
		obsFail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	_, _, _ = f.sim.PutBucket(f.Owner(), name, func(x *simcloud.Bucket) { // it is there
		x.Meta = map[string]string{"class": b.Meta["class"], "quota": strconv.FormatInt(*in.Bytes, 10)}
	})
}

func (f *Fake) showBucket(w http.ResponseWriter, name string, view func(*simcloud.Bucket) string) {
	b, err := f.bucket(name)
	if err != nil {
		obsFail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	w.Header().Set("X-Obs-Storage-Class", b.Meta["class"])
	w.Header().Set("X-Obs-Bucket-Location", b.Region)
	obsAnswer(w, view(b))
}

func (f *Fake) deleteBucket(w http.ResponseWriter, name string) {
	if _, err := f.bucket(name); err != nil {
		obsFail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	if err := f.sim.DeleteBucket(f.Owner(), name); err != nil {
		obsFail(w, http.StatusConflict, "BucketNotEmpty")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *Fake) listBuckets(w http.ResponseWriter) {
	all, err := simcloud.List[simcloud.Bucket](f.sim, simcloud.Query{Owner: f.Owner(), Own: true}, nil)
	if err != nil {
		obsFail(w, http.StatusInternalServerError, "InternalError")
		return
	}
	body := "<ListAllMyBucketsResult><Owner><ID>" + Project + "</ID></Owner><Buckets>"
	for _, b := range all {
		body += "<Bucket><Name>" + b.Name + "</Name><CreationDate>" + when(b.Created) + "</CreationDate><Location>" + b.Region + "</Location></Bucket>"
	}
	obsAnswer(w, body+"</Buckets></ListAllMyBucketsResult>")
}
