package awsfake

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// noun is what EC2 calls a kind: the prefix of its ids, and the word in its error codes.
type noun struct{ prefix, word string }

func nounOf(k simcloud.Kind) noun {
	return map[simcloud.Kind]noun{simcloud.KindNetwork: {"vpc", "VpcID"}, simcloud.KindSubnet: {"subnet", "SubnetID"}, simcloud.KindRouter: {"igw", "InternetGatewayID"},
		simcloud.KindGroup: {"sg", "GroupId"}, simcloud.KindServer: {"i", "InstanceID"}, simcloud.KindVolume: {"vol", "Volume"}, simcloud.KindFloatingIP: {"eipalloc", "AllocationID"},
		simcloud.KindImage: {"ami", "AMIID"}}[k]
}

// out makes an id of the vendor's form: a prefix, and hexadecimal digits.
func out(prefix, id string) string {
	if id == "" {
		return ""
	}
	return prefix + "-" + strings.ReplaceAll(id, "-", "")
}

var formed = regexp.MustCompile(`^[0-9a-f]{32}$`)

// in is the simulated cloud's id of one of the vendor's.
func in(k simcloud.Kind, id string) (string, error) {
	n := nounOf(k)
	h, ok := strings.CutPrefix(id, n.prefix+"-")
	if !ok || !formed.MatchString(h) {
		return "", bad("Invalid"+n.word+".Malformed", "Invalid id: %q", id)
	}
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}

// one reads the object that a parameter names.
func one[T any, P simcloud.Noun[T]](c *call, k simcloud.Kind, parameter string) (*T, error) {
	id, err := in(k, c.get(parameter))
	if err != nil {
		return nil, err
	}
	return simcloud.Get[T, P](c.sim, c.owner, id)
}

// described answers a listing of EC2: the objects of the ids where some are given, as they are now; otherwise a page of
// all that pass, as the listing's lag shows them.
func described[T any, P simcloud.Noun[T]](c *call, k simcloud.Kind, ids, set string, keep func(*T) bool, view func(*T) object) (object, error) {
	var found []*T
	answer := object{}
	if given := c.texts(ids); len(given) > 0 {
		if c.in.Has("MaxResults") {
			return nil, bad("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", ids)
		}
		for _, id := range given {
			own, err := in(k, id)
			if err != nil {
				return nil, err
			}
			x, err := simcloud.Get[T, P](c.sim, c.owner, own)
			if err != nil {
				return nil, err
			}
			if keep == nil || keep(x) {
				found = append(found, x)
			}
		}
	} else {
		var err error
		limit := 1 << 20 // who asks for no pages gets everything
		if n := int(c.number("MaxResults")); n > 0 {
			limit = min(n, c.maxPage)
		}
		if found, err = simcloud.List[T, P](c.sim, simcloud.Query{Owner: c.owner, After: c.get("NextToken"), Limit: limit + 1}, keep); err != nil {
			return nil, bad("InvalidNextToken", "The token '%s' is invalid", c.get("NextToken"))
		}
		if len(found) > limit {
			found = found[:limit]
			answer["nextToken"] = P(found[limit-1]).Self().ID
		}
	}
	views := make([]object, len(found))
	for i, x := range found {
		views[i] = view(x)
	}
	answer[set] = listOf("item", views)
	return answer, nil
}

// tag begins the names under which an object keeps its tags.
const tag = "tag:"

// tags reads the tags that a creation gives a sort of resource.
func (c *call) tags(resource string) map[string]string {
	all := map[string]string{}
	for i := 1; c.in.Has(fmt.Sprintf("TagSpecification.%d.ResourceType", i)); i++ {
		if at := fmt.Sprintf("TagSpecification.%d.", i); c.get(at+"ResourceType") == resource {
			maps.Copy(all, c.pairs(at+"Tag"))
		}
	}
	return all
}

// pairs reads numbered keys and values.
func (c *call) pairs(name string) map[string]string {
	all := map[string]string{}
	for i := 1; c.in.Has(fmt.Sprintf("%s.%d.Key", name, i)); i++ {
		all[tag+c.get(fmt.Sprintf("%s.%d.Key", name, i))] = c.get(fmt.Sprintf("%s.%d.Value", name, i))
	}
	return all
}

func tagSet(meta map[string]string) list {
	var all []object
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if name, ok := strings.CutPrefix(key, tag); ok {
			all = append(all, object{"key": name, "value": meta[key]})
		}
	}
	return listOf("item", all)
}

// reason reports whether the simulated cloud refused for this reason.
func reason(err error, r simcloud.Reason) bool {
	var e *simcloud.Error
	return errors.As(err, &e) && e.Reason == r
}

// translated words what the simulated cloud refused.
func translated(service string, e *simcloud.Error) refusal {
	if service != "ec2" {
		return translatedElsewhere(e)
	}
	n := nounOf(e.Kind)
	switch e.Reason {
	case simcloud.Missing:
		if e.Kind == simcloud.KindVolumeType {
			return bad("UnknownVolumeType", "Unsupported volume type")
		}
		return bad("Invalid"+n.word+".NotFound", "The ID '%s' does not exist", out(n.prefix, e.ID))
	case simcloud.Busy:
		if e.Kind == simcloud.KindServer {
			return bad("IncorrectInstanceState", "The instance is not in a state from which it can be changed.")
		}
		return bad("IncorrectState", "The resource is %s.", e.State)
	case simcloud.InUse:
		if e.Kind == simcloud.KindVolume {
			return bad("VolumeInUse", "%s", e.Detail)
		}
		return bad("DependencyViolation", "The resource has a dependent object: %s", e.Detail)
	case simcloud.Exceeded:
		word := map[simcloud.Kind]string{simcloud.KindNetwork: "Vpc", simcloud.KindServer: "Vcpu", simcloud.KindVolume: "Volume", simcloud.KindFloatingIP: "Address"}[e.Kind]
		return bad(word+"LimitExceeded", "The maximum number of %s has been reached.", e.Item)
	case simcloud.SoldOut:
		word := map[simcloud.Kind]string{simcloud.KindVolume: "Volume", simcloud.KindFloatingIP: "Address"}[e.Kind]
		return refuse(http.StatusInternalServerError, "Insufficient"+either(word == "", "Instance", word)+"Capacity", "We currently do not have sufficient capacity.")
	case simcloud.Exists:
		return bad("InvalidPermission.Duplicate", "the specified rule already exists")
	}
	if e.Kind == simcloud.KindSubnet {
		return bad("InvalidSubnet.Conflict", "%s", e.Detail)
	}
	return bad("InvalidParameterValue", "%s", e.Detail)
}

// translatedElsewhere words it as the other services do.
func translatedElsewhere(e *simcloud.Error) refusal {
	word := map[simcloud.Kind]string{simcloud.KindDatabase: "DBInstance", simcloud.KindCache: "ReplicationGroup", simcloud.KindBalancer: "LoadBalancer", simcloud.KindBucket: "Bucket"}[e.Kind]
	switch e.Reason {
	case simcloud.Missing:
		return refuse(http.StatusNotFound, word+"NotFound", "%s %s not found", word, e.ID)
	case simcloud.Busy:
		return bad("Invalid"+word+"State", "%s is not in a state for it", word)
	case simcloud.Exceeded:
		switch e.Kind {
		case simcloud.KindBucket:
			return bad("TooManyBuckets", "You have attempted to create more buckets than allowed.")
		case simcloud.KindBalancer:
			return bad("TooManyLoadBalancers", "You've reached the limit on the number of load balancers.")
		case simcloud.KindDatabase:
			return bad("InstanceQuotaExceeded", "The request would exceed the allowed number of DB instances.")
		}
		return bad("NodeQuotaForCustomerExceeded", "The request would exceed the allowed number of nodes.")
	case simcloud.SoldOut:
		switch e.Kind {
		case simcloud.KindDatabase:
			return bad("InsufficientDBInstanceCapacity", "The specified DB instance class isn't available in the specified Availability Zone.")
		case simcloud.KindBalancer:
			return bad("InsufficientCapacity", "There is no capacity.")
		}
		return bad("InsufficientCacheClusterCapacity", "The requested cache node type is not available in the specified Availability Zone.")
	case simcloud.InUse:
		return refuse(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
	}
	return bad("InvalidParameterValue", "%s", e.Detail)
}
