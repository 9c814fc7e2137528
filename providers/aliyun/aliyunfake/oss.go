package aliyunfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// algorithm begins the Authorization of OSS signature version 4.
const algorithm = "OSS4-HMAC-SHA256"

func isObjectCall(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), algorithm+" ")
}

// What a bucket keeps.
const (
	metaClass = "storage_class"
	metaQuota = "storage_quota"
)

// object serves OSS, path style: bucket by bucket, without their objects.
func (f *Fake) object(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Oss-Request-Id", requestID())
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err == nil {
		err = objectAuthentic(r)
	}
	if err == nil {
		err = f.bucket(w, r, body)
	}
	if err == nil {
		return
	}
	var e *simcloud.Error
	var answer refusal
	switch {
	case errors.As(err, &answer):
	case errors.As(err, &e) && e.Reason == simcloud.Missing:
		answer = refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	case errors.As(err, &e) && e.Reason == simcloud.InUse:
		answer = refuse(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
	case errors.As(err, &e) && e.Reason == simcloud.Exceeded:
		answer = refuse(http.StatusBadRequest, "TooManyBuckets", "You have attempted to create more buckets than allowed.")
	default:
		answer = refuse(http.StatusInternalServerError, "InternalError", "%v", err)
	}
	objectFail(w, answer)
}

func objectFail(w http.ResponseWriter, r refusal) {
	sendXML(w, r.status, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: r.code, Message: r.text})
}

// objectWords words the fault layer's refusals. OSS never runs out; 409 is what it would say if it did.
func objectWords(w http.ResponseWriter, status int) {
	code := map[int]string{http.StatusTooManyRequests: "TooManyRequests", http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusForbidden: "AccessDenied",
		http.StatusConflict: "ResourceNotEnough", http.StatusInternalServerError: "InternalError"}[status]
	objectFail(w, refuse(status, code, "%s", http.StatusText(status)))
}

func sendXML(w http.ResponseWriter, status int, body any) {
	raw, err := xml.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), raw...)) // the caller has gone
}

// objectAuthentic recomputes signature version 4 (help.aliyun.com/zh/oss/developer-reference/recommend-to-use-signature-version-4):
// verb, path, sorted query, signed headers, additional headers, the hash of the payload.
func objectAuthentic(r *http.Request) error {
	fields := map[string]string{}
	for _, part := range strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), algorithm+" "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Oss-Date"))
	switch {
	case len(scope) != 5 || scope[0] != AccessKey:
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
	case err != nil || time.Since(at).Abs() > window || scope[1] != at.Format("20060102"):
		return refuse(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	case scope[3] != "oss" || scope[4] != "aliyun_v4_request":
		return refuse(http.StatusForbidden, "InvalidArgument", "the scope is of another service")
	}
	if !hmac.Equal([]byte(objectSignature(r, scope, at)), []byte(fields["Signature"])) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

func objectSignature(r *http.Request, scope []string, at time.Time) string {
	var query, headers []string
	for _, pair := range strings.Split(r.URL.RawQuery, "&") {
		if pair = strings.TrimSuffix(pair, "="); pair != "" {
			query = append(query, pair)
		}
	}
	slices.Sort(query)
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-oss-") || name == "content-type" || name == "content-md5" {
			headers = append(headers, name+":"+strings.TrimSpace(strings.Join(values, ","))+"\n")
		}
	}
	slices.Sort(headers)
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), strings.Join(query, "&"), strings.Join(headers, ""), "", r.Header.Get("X-Oss-Content-Sha256")}, "\n")
	hashed := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, at.Format("20060102T150405Z"), strings.Join(scope[1:], "/"), hex.EncodeToString(hashed[:])}, "\n")
	key := []byte("aliyun_v4" + Secret)
	for _, part := range append(slices.Clone(scope[1:]), text) {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, part) // a hash never fails
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// bucket dispatches a call about a bucket, or about all.
func (f *Fake) bucket(w http.ResponseWriter, r *http.Request, body []byte) error {
	name := strings.Trim(r.URL.Path, "/")
	q := r.URL.Query()
	switch about := subresource(q); {
	case strings.Contains(name, "/"):
		return refuse(http.StatusNotImplemented, "NotImplemented", "objects are not served here")
	case name == "" && r.Method == http.MethodGet:
		return f.listBuckets(w, q)
	case r.Method == http.MethodPut && about == "":
		return f.putBucket(w, name, body)
	case r.Method == http.MethodPut && about == "quota":
		return f.putQuota(name, body)
	case r.Method == http.MethodGet && about == "bucketInfo":
		return f.bucketInfo(w, name)
	case r.Method == http.MethodGet && about == "quota":
		return f.getQuota(w, name)
	case r.Method == http.MethodDelete && about == "":
		if err := f.sim.DeleteBucket(f.Owner(), name); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

func subresource(q url.Values) string {
	for _, name := range []string{"bucketInfo", "quota"} {
		if q.Has(name) {
			return name
		}
	}
	return ""
}

// putBucket refuses a name that is taken, whoever has it.
func (f *Fake) putBucket(w http.ResponseWriter, name string, body []byte) error {
	var in struct{ StorageClass string }
	if len(body) > 0 && xml.Unmarshal(body, &in) != nil {
		return refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed.")
	}
	if in.StorageClass == "" {
		in.StorageClass = "Standard"
	}
	if !slices.Contains([]string{"Standard", "IA", "Archive", "ColdArchive"}, in.StorageClass) {
		return refuse(http.StatusBadRequest, "InvalidStorageClass", "The storage class is not valid.")
	}
	made := false
	_, made, err := f.sim.PutBucket(f.Owner(), name, func(b *simcloud.Bucket) {
		if b.Meta == nil {
			b.Meta = map[string]string{metaClass: in.StorageClass}
		}
	})
	if err == nil && !made {
		return refuse(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available.")
	}
	if err == nil {
		w.Header().Set("Location", "/"+name)
		w.WriteHeader(http.StatusOK)
	}
	return err
}

func (f *Fake) putQuota(name string, body []byte) error {
	var in struct {
		StorageQuota *int64
		Mode         string
	}
	if xml.Unmarshal(body, &in) != nil || in.StorageQuota == nil || !slices.Contains([]string{"Strict", "Warning"}, in.Mode) {
		return refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed.")
	}
	_, err := simcloud.Edit(f.sim, f.Owner(), simcloud.BucketID(f.Owner(), name), func(b *simcloud.Bucket) error {
		b.Meta = maps.Clone(b.Meta)
		b.Meta[metaQuota] = strconv.FormatInt(*in.StorageQuota, 10)
		return nil
	})
	return err
}

func (f *Fake) read(name string) (*simcloud.Bucket, error) {
	return simcloud.Get[simcloud.Bucket](f.sim, f.Owner(), simcloud.BucketID(f.Owner(), name))
}

func (f *Fake) getQuota(w http.ResponseWriter, name string) error {
	b, err := f.read(name)
	if err != nil {
		return err
	}
	quota, err := strconv.ParseInt(b.Meta[metaQuota], 10, 64)
	if err != nil {
		return refuse(http.StatusNotFound, "NoSuchQuotaConfiguration", "The quota configuration does not exist.")
	}
	sendXML(w, http.StatusOK, struct {
		XMLName      xml.Name `xml:"QuotaConfiguration"`
		StorageQuota int64
		Mode         string
		CurrentUsage int64
	}{StorageQuota: quota, Mode: "Strict", CurrentUsage: b.Bytes})
	return nil
}

// bucketView is a bucket as both answers show it.
type bucketView struct {
	Name             string
	Location         string
	Region           string
	CreationDate     string
	StorageClass     string
	ExtranetEndpoint string
}

func (f *Fake) view(b *simcloud.Bucket) bucketView {
	return bucketView{Name: b.Name, Location: "oss-" + b.Region, Region: b.Region, CreationDate: b.Created.UTC().Format("2006-01-02T15:04:05.000Z"),
		StorageClass: b.Meta[metaClass], ExtranetEndpoint: "oss-" + b.Region + ".aliyuncs.com"}
}

func (f *Fake) bucketInfo(w http.ResponseWriter, name string) error {
	b, err := f.read(name)
	if err != nil {
		return err
	}
	sendXML(w, http.StatusOK, struct {
		XMLName xml.Name `xml:"BucketInfo"`
		Bucket  bucketView
	}{Bucket: f.view(b)})
	return nil
}

// listBuckets lists the account's buckets by name.
func (f *Fake) listBuckets(w http.ResponseWriter, q url.Values) error {
	all, err := simcloud.List[simcloud.Bucket](f.sim, simcloud.Query{Owner: f.Owner(), Own: true}, nil)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *simcloud.Bucket) int { return strings.Compare(a.Name, b.Name) })
	limit := f.maxPage
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n > 0 {
		limit = min(limit, n)
	}
	answer := struct {
		XMLName     xml.Name `xml:"ListAllMyBucketsResult"`
		Owner       struct{ ID, DisplayName string }
		Buckets     struct{ Bucket []bucketView }
		IsTruncated bool
		NextMarker  string `xml:",omitempty"`
	}{}
	answer.Owner.ID, answer.Owner.DisplayName = Account, Account
	for _, b := range all {
		if b.Name <= q.Get("marker") {
			continue
		}
		if len(answer.Buckets.Bucket) == limit {
			answer.IsTruncated = true
			answer.NextMarker = answer.Buckets.Bucket[limit-1].Name
			break
		}
		answer.Buckets.Bucket = append(answer.Buckets.Bucket, f.view(b))
	}
	sendXML(w, http.StatusOK, answer)
	return nil
}
