package awsfake_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/aws/awsfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

const region = "cn-north-1"

func fake() *awsfake.Fake {
	return awsfake.New(simcloud.New(simcloud.Options{Regions: []simcloud.Region{{Name: region, Zones: []string{region + "a", region + "b"}}}}), awsfake.Options{})
}

// signed makes a Query call of EC2 with a signature that is right at that moment.
func signed(t *testing.T, at time.Time, in url.Values) *http.Request {
	t.Helper()
	build := func(signature string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "https://ec2.cn-north-1.amazonaws.com.cn/", strings.NewReader(in.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.Header.Set("X-Amz-Date", at.UTC().Format("20060102T150405Z"))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+awsfake.AccessKey+"/"+at.UTC().Format("20060102")+"/"+region+
			"/ec2/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature="+signature)
		return r
	}
	signature, err := awsfake.Sign(build(""), awsfake.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return build(signature)
}

// answer is what of an answer these tests read.
type answer struct {
	status   int
	Code     string `xml:"Errors>Error>Code"`
	Other    string `xml:"Error>Code"` // where the call names no service
	VolumeID string `xml:"volumeId"`
}

func ask(t *testing.T, f *awsfake.Fake, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	a := answer{status: w.Code}
	if err := xml.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	a.Code += a.Other
	return a
}

func form(pairs ...string) url.Values {
	in := url.Values{"Version": {"2016-11-15"}}
	for i := 0; i < len(pairs); i += 2 {
		in.Set(pairs[i], pairs[i+1])
	}
	return in
}

// The request, key and signature are the example of the vendor's own documentation of Signature Version 4.
func TestTheSignatureIsThatOfTheVendorsExample(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=")
	got, err := awsfake.Sign(r, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	if want := "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestCallsThatAreNotAuthenticAreRefused(t *testing.T) {
	t.Parallel()
	now, read := time.Now(), form("Action", "DescribeVpcs")
	for name, c := range map[string]struct {
		spoil func(*http.Request)
		at    time.Time
		want  string
	}{
		"as it should be":     {func(*http.Request) {}, now, ""},
		"no signature":        {func(r *http.Request) { r.Header.Del("Authorization") }, now, "MissingAuthenticationToken"},
		"another key":         {func(r *http.Request) { replace(r, awsfake.AccessKey, "AKIANOBODY") }, now, "AuthFailure"},
		"another signature":   {func(r *http.Request) { replace(r, "Signature=", "Signature=0") }, now, "SignatureDoesNotMatch"},
		"another region":      {func(r *http.Request) { replace(r, region, "cn-northwest-1") }, now, "SignatureDoesNotMatch"},
		"another host":        {func(r *http.Request) { r.Host = "elsewhere.example" }, now, "SignatureDoesNotMatch"},
		"another header":      {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, now, "SignatureDoesNotMatch"},
		"the host not signed": {func(r *http.Request) { replace(r, "content-type;host;", "content-type;") }, now, "IncompleteSignature"},
		"six minutes old":     {func(*http.Request) {}, now.Add(-6 * time.Minute), "RequestExpired"},
		"six minutes early":   {func(*http.Request) {}, now.Add(6 * time.Minute), "RequestExpired"},
		"another body": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(form("Action", "DescribeSubnets").Encode()))
		}, now, "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := signed(t, c.at, read)
			c.spoil(r)
			if a := ask(t, fake(), r); !strings.HasPrefix(a.Code, c.want) || (c.want == "") != (a.status == http.StatusOK) {
				t.Errorf("%+v, want %q", a, c.want)
			}
		})
	}
}

func replace(r *http.Request, old, with string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
}

func TestCallsThatAreWrongAreRefused(t *testing.T) {
	t.Parallel()
	volume := []string{"Action", "CreateVolume", "AvailabilityZone", region + "a", "Size", "10", "VolumeType", "gp3"}
	for name, c := range map[string]struct {
		in   url.Values
		want string
	}{
		"an unknown action":      {form("Action", "DescribeUnicorns"), "InvalidAction"},
		"another version":        {url.Values{"Action": {"DescribeVpcs"}, "Version": {"2010-01-01"}}, "InvalidParameterValue"},
		"a missing parameter":    {form("Action", "CreateVpc"), "MissingParameter"},
		"a mistyped parameter":   {form("Action", "CreateVpc", "CidrBlock", "ten"), "InvalidParameterValue"},
		"a misspelt parameter":   {form(append(volume, "Sise", "1")...), "UnknownParameter"},
		"an id of another form":  {form("Action", "DescribeInstances", "InstanceId.1", "server-1"), "InvalidInstanceID.Malformed"},
		"an id that nothing has": {form("Action", "DescribeVpcs", "VpcId.1", "vpc-"+strings.Repeat("0", 32)), "InvalidVpcID.NotFound"},
		"ids and pages":          {form("Action", "DescribeVpcs", "VpcId.1", "vpc-"+strings.Repeat("0", 32), "MaxResults", "5"), "InvalidParameterCombination"},
		"a zone of nowhere":      {form("Action", "CreateVolume", "AvailabilityZone", "mars-1a", "Size", "1"), "InvalidZone.NotFound"},
		"a longer token":         {form(append(volume, "ClientToken", strings.Repeat("x", 65))...), "InvalidParameterValue"},
		"an unknown type":        {form("Action", "CreateVolume", "AvailabilityZone", region+"a", "Size", "1", "VolumeType", "gp9"), "UnknownVolumeType"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := ask(t, fake(), signed(t, time.Now(), c.in)); a.Code != c.want {
				t.Errorf("%+v, want %s", a, c.want)
			}
		})
	}
}

func TestAClientTokenIsAnsweredWithWhatItBroughtFirst(t *testing.T) {
	t.Parallel()
	f := fake()
	create := func(size string) answer {
		return ask(t, f, signed(t, time.Now(), form("Action", "CreateVolume", "AvailabilityZone", region+"a", "Size", size, "VolumeType", "gp3", "ClientToken", "once")))
	}
	first, again, other := create("10"), create("10"), create("11")
	if first.VolumeID == "" || again.VolumeID != first.VolumeID {
		t.Errorf("the same token made %q, then %q", first.VolumeID, again.VolumeID)
	}
	if other.Code != "IdempotentParameterMismatch" {
		t.Errorf("the same token with other parameters: %+v", other)
	}
}
