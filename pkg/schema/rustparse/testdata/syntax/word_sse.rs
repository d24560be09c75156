pub structure A {}
