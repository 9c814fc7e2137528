package duoyun

import "time"

// Quote 询价 is a vendor's own price for a spec, before anything is bought.
type Quote struct {
	Amount   Amount // for Per, exactly as the vendor's text says
	Per      string // hour, or month for a subscription's whole term of Months
	Months   int
	Currency string // ISO 4217; CNY where the vendor does not say
}

// BillLine 账单明细 is one line of a vendor's own bill, amounts exact from the raw text.
type BillLine struct {
	VendorID string // the resource's id at the vendor; "" for what is charged to the account
	Product  string // the vendor's product code
	Meter    string // the vendor's name of what was measured
	Quantity Amount
	Unit     string
	Price    Amount // per unit
	List     Amount // before discounts
	Discount Amount
	Payable  Amount
	Currency string
	Start    time.Time
	End      time.Time
}

// Balance 账户余额 is what a vendor account may still spend, credit included.
type Balance struct {
	Available Amount
	Currency  string
}
