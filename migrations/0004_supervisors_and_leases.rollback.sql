DROP TABLE campaign_leases, supervisors;
