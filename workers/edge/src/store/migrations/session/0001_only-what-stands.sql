DELETE FROM `watches` WHERE `ended` = 1;--> statement-breakpoint
UPDATE `tracks` SET `body` = '{}' WHERE `life` = 'ended';--> statement-breakpoint
ALTER TABLE `watches` DROP COLUMN `ended`;
