package huawei_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
)

// The signature was computed apart from any code here, by the steps of devg-apisign: another version of the SDK's core
// that signs otherwise is found before a cloud refuses it. The content's type is not signed.
func TestTheSDKSignsAsTheGatewayDocuments(t *testing.T) {
	t.Parallel()
	b := request.NewHttpRequestBuilder().WithEndpoint("https://vpc.cn-north-4.myhuaweicloud.com").WithMethod("POST").
		WithPath("/v1/"+huaweifake.Project+"/vpcs").WithBody("", `{"vpc":{"name":"窗口"}}`).
		AddHeaderParam("X-Project-Id", huaweifake.Project).AddHeaderParam("X-Client-Token", "6f1c9f0e-7d0a-8b1c-9d2e-3f4a5b6c7d8e").
		AddHeaderParam("X-Sdk-Date", "20261125T045500Z").AddHeaderParam("Content-Type", "application/json")
	b.AddQueryParam("limit", reflect.ValueOf([]string{"1000"}))
	b.AddQueryParam("marker", reflect.ValueOf([]string{"a b/~c"}))
	headers, err := signer.Sign(b.Build(), huaweifake.AccessKey, huaweifake.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	got := headers["Authorization"]
	if !strings.HasSuffix(got, "SignedHeaders=x-client-token;x-project-id;x-sdk-date, Signature=7dd5f21572a6c1c8ce8316ec3054073c6985e8a9b163d0f5d336af9ebc9ad3e4") {
		t.Errorf("%s", got)
	}
}

// Computed apart from any code here by the steps of api-obs, "user signature in a header".
func TestCallsToObjectStorageAreSignedAsDocumented(t *testing.T) {
	t.Parallel()
	text := "PUT\n\napplication/xml\nWed, 25 Nov 2026 04:55:00 GMT\nx-obs-storage-class:STANDARD\n/dy-0123456789abcdef0123456789abcdef/?quota"
	if got := huawei.ObsSignature(driver.NewSecret(huaweifake.SecretKey), text); got != "VE47pIWCXkAT/BmP+5NeeQqcLuU=" {
		t.Errorf("%s", got)
	}
}
