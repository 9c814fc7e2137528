package awsfake

func accountActions() []action {
	return []action{
		{service: "sts", name: "GetCallerIdentity", do: func(*call) (object, error) {
			return object{"Account": Account, "Arn": "arn:aws-cn:iam::" + Account + ":user/duoyun", "UserId": "AIDASIMULATED"}, nil
		}},
	}
}
