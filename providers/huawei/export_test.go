package huawei

// ObsSignature is what a call to OBS is signed with: its vectors are checked from outside.
var ObsSignature = obsSignature

// Amount reads money as the billing service writes it.
var Amount = amount
