-- What is left of a call is how it went and what it cost. Its provider's own id would lead back to the number.
UPDATE calls
SET phone_number = 'erased', sip_call_id = NULL, error_message = NULL
WHERE company_id = %(company)s AND phone_number = ANY(%(numbers)s) AND state IN ('ended', 'given_back')
RETURNING id
