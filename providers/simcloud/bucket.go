package simcloud

// Bucket is a container of objects. Its name is unique in its account.
type Bucket struct {
	Object
	Bytes int64 `json:"bytes"`
	Count int64 `json:"count"`
}

// Blob is an object in a bucket: its size and hash, without its content.
type Blob struct {
	Object
	BucketID string `json:"bucket_id"`
	Bytes    int64  `json:"bytes"`
	Hash     string `json:"hash"`
	Type     string `json:"type"`
}

func (*Bucket) in(c *Cloud) *table[Bucket] { return c.buckets }
func (*Blob) in(c *Cloud) *table[Blob]     { return c.blobs }

func (b *Bucket) takes() []Take { return []Take{{ItemBuckets, 1}} }
func (b *Blob) takes() []Take   { return []Take{{ItemBucketByte, b.Bytes}} }
func (b *Blob) index() []string { return []string{Of(KindBucket, b.BucketID)} }

// BucketID is the id of a bucket by its name.
func BucketID(o Owner, name string) string { return o.Region + "/" + o.Tenant + "/" + name }

// PutBucket makes a bucket, or gives f the one that is there to change; made tells which.
func (c *Cloud) PutBucket(o Owner, name string, f func(*Bucket)) (b *Bucket, made bool, err error) {
	id := BucketID(o, name)
	b, err = within(c, func() (*Bucket, error) {
		if c.buckets.get(id) != nil {
			return edit(c, id, func(b *Bucket) { f(b); b.Updated = c.time() }), nil
		}
		if err := c.admit(KindBucket, o, Take{ItemBuckets, 1}); err != nil {
			return nil, err
		}
		made = true
		b := &Bucket{Object: Object{ID: id, Owner: o, Name: name}}
		f(b)
		return put(c, b), nil
	})
	return b, made, err
}

// DeleteBucket removes an empty bucket.
func (c *Cloud) DeleteBucket(o Owner, name string) error {
	id := BucketID(o, name)
	_, err := within(c, func() (*Bucket, error) {
		b, err := own[Bucket](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case b.Count > 0:
			return nil, inUse(KindBucket, name, "it is not empty")
		}
		drop[Bucket](c, id)
		return b, nil
	})
	return err
}

// PutBlob stores an object's size and hash under its name, over what was there.
func (c *Cloud) PutBlob(o Owner, bucket string, blob Blob) (*Blob, error) {
	return within(c, func() (*Blob, error) {
		b, err := own[Bucket](c, o, BucketID(o, bucket))
		if err != nil {
			return nil, err
		}
		if err := c.admit(KindBlob, o, Take{ItemBucketByte, blob.Bytes}); err != nil {
			return nil, err
		}
		blob.Owner, blob.BucketID, blob.ID = o, b.ID, b.ID+"/"+blob.Name
		drop[Blob](c, blob.ID)
		edit(c, b.ID, func(b *Bucket) { b.Bytes, b.Count = b.Bytes+blob.Bytes, b.Count+1 })
		return put(c, &blob), nil
	})
}

// DeleteBlob removes an object.
func (c *Cloud) DeleteBlob(o Owner, bucket, name string) error {
	_, err := within(c, func() (*Blob, error) {
		b, err := own[Blob](c, o, BucketID(o, bucket)+"/"+name)
		if err == nil {
			drop[Blob](c, b.ID)
		}
		return b, err
	})
	return err
}

func (b *Blob) leave(c *Cloud) {
	if c.buckets.get(b.BucketID) != nil {
		edit(c, b.BucketID, func(k *Bucket) { k.Bytes, k.Count = k.Bytes-b.Bytes, k.Count-1 })
	}
}
