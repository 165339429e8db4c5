ALTER TABLE campaign_holds ALTER COLUMN hold TYPE varchar(150) USING left(hold, 150);
