package io.tidbspark.compat

import scala.collection.convert.{AsJavaExtensions, AsScalaExtensions}

/** `asScala` and `asJava` under one name for Scala 2.12 and 2.13. */
object Converters extends AsJavaExtensions with AsScalaExtensions
